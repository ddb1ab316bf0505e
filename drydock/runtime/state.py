"""The state directory: where snapshots, blobs, cache volumes and everything temporary live.

    snapshots/<id>/     immutable layers and their chains (snapshot.py)
    blobs/sha256/<hex>  content-addressed blobs (image layers, configs, manifests)
    volumes/            cache volumes
    index.db            keys -> results (index.py)
    run/<owner>/        what one living process holds: upper directories, mount points, bundles

Several processes share one state directory. Each holds a lock on its own folder under run/; a
folder whose lock is free belongs to a dead process, so whoever comes next sweeps it. Nothing
outside run/ is ever half-written: things are made in run/<owner>/ and renamed into place, which is
why all of it has to be one file system.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from drydock.runtime.index import Index
from drydock.runtime.isolation import memory_folder
from drydock.runtime.mount import mounts_below
from drydock.runtime.syscalls import unmount

DEFAULT_ROOT = Path("/var/lib/drydock")
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.5


class StateDir:
    """One state directory as seen by one process.

    The first use of `scratch` claims a folder and sweeps dead ones.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.snapshots = self.root / "snapshots"
        self.blobs = self.root / "blobs" / "sha256"
        self.volumes = self.root / "volumes"
        self.run = self.root / "run"
        for folder in (self.snapshots, self.blobs, self.volumes, self.run):
            folder.mkdir(parents=True, exist_ok=True)
        # What containers wrote is nobody else's business.
        self.root.chmod(0o700)
        self._index: Index | None = None
        self._scratch: Path | None = None
        self._lock = -1

    @classmethod
    def default(cls) -> StateDir:
        """Open the directory that DRYDOCK_STATE_DIR names, /var/lib/drydock otherwise."""
        return cls(Path(os.environ.get("DRYDOCK_STATE_DIR") or DEFAULT_ROOT))

    @property
    def index(self) -> Index:
        """The persistent dictionary of this directory."""
        if self._index is None:
            self._index = Index(self.root / "index.db")
        return self._index

    @property
    def scratch(self) -> Path:
        """The process's own folder; everything in it goes when the process does."""
        if self._scratch is None:
            with self.exclusive("sweep"):
                self._sweep()
                folder = self.run / f"{os.getpid()}-{secrets.token_hex(4)}"
                folder.mkdir(mode=0o700)
                self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._scratch = folder
        return self._scratch

    @property
    def tmp(self) -> Path:
        """A folder for temporary files on the same file system as everything else."""
        folder = self.scratch / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def confidential(self) -> Path:
        """The folder for what may hold secrets: in memory where that is possible, else `scratch`."""
        memory = memory_folder()
        if memory is None:
            return self.scratch
        folder = memory / self.scratch.name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def fresh(self, kind: str, *, confidential: bool = False) -> Path:
        """Make a new empty folder, named after what it is for, in the process's own folder."""
        parent = self.confidential if confidential else self.scratch
        folder = parent / f"{kind}-{secrets.token_hex(6)}"
        folder.mkdir(mode=0o700)
        return folder

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Hold a lock that all processes on this directory share by its name. Blocking."""
        with self._lock_file(name) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    @asynccontextmanager
    async def exclusively(self, name: str) -> AsyncIterator[None]:
        """Hold the lock `name` without blocking the event loop.

        Cancelling while waiting gives it up.
        """
        with self._lock_file(name) as descriptor:
            pause = _FIRST_PAUSE
            while not _try_lock(descriptor):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            yield

    @contextmanager
    def _lock_file(self, name: str) -> Iterator[int]:
        folder = self.root / "locks"
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def blob(self, digest: str) -> Path:
        """Return where the blob `sha256:<hex>` is or would be."""
        algorithm, _, value = digest.partition(":")
        if algorithm != "sha256" or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
            raise ValueError(f"not a sha256 digest: {digest!r}")
        return self.blobs / value

    def put_blob(self, content: bytes) -> str:
        """Store a small blob; return its digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        path = self.blob(digest)
        if not path.exists():
            temporary = self.tmp / secrets.token_hex(8)
            temporary.write_bytes(content)
            temporary.rename(path)
        return digest

    def volume(self, key: str) -> Path:
        """Return the folder of the cache volume `key`, made if it is new. Any text may be a key."""
        folder = self.volumes / hashlib.sha256(key.encode()).hexdigest()[:32]
        folder.mkdir(mode=0o755, exist_ok=True)
        return folder

    def close(self) -> None:
        """Give up this process's folder and the index."""
        if self._scratch is not None:
            _remove(self._scratch)
            os.close(self._lock)
            self._scratch = None
        if self._index is not None:
            self._index.close()
            self._index = None

    def _sweep(self) -> None:
        """Remove the folders of dead processes.

        The caller holds the sweep lock, so no folder is being made.
        """
        for folder in self.run.iterdir():
            if not folder.is_dir():
                continue
            try:
                descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                # Died between making the folder and its lock, or while removing the folder.
                _remove(folder)
                continue
            try:
                if _try_lock(descriptor):
                    _remove(folder)
            finally:
                os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(folder: Path) -> None:
    """Remove a scratch folder.

    Mounts in it first, because deleting through one would reach what it shows.
    """
    for target in mounts_below(folder):
        unmount(target)
    # The lock goes last: a sweep that dies half-way leaves a folder that is still seen as dead.
    for entry in folder.iterdir():
        if entry.name != "lock":
            remove_tree(entry)
    shutil.rmtree(folder)


def remove_tree(path: Path) -> None:
    """Remove a file or a whole tree; absent is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
