"""Reading one OCI layer, or any tar of a stranger: unpacking it over a tree, whatever the tar says.

Called by snapshot.py, archive.py and the engine's ADD. A layer comes from a stranger: names with `..`, links that point out of the
tree and entries below them all stay inside, because each directory is opened by the kernel as if
the tree were the root. Whiteouts delete what was there before this layer, never what the layer
itself brought.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, cast

import zstandard

from drydock.runtime.errors import ImageFault
from drydock.runtime.layertree import OVERLAY_PREFIXES
from drydock.runtime.pack import OPAQUE_MARKER, WHITEOUT
from drydock.runtime.syscalls import open_in_root

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_CHUNK = 1 << 20
_MALFORMED = (tarfile.TarError, gzip.BadGzipFile, zstandard.ZstdError, EOFError)
# What an entry runs into that fits nowhere: a hard link to nothing, a file below a file, a time
# before the calendar. A full disk is not among them.
_IMPOSSIBLE = (
    FileNotFoundError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
    ValueError,
    OverflowError,
)


class _Digested(io.RawIOBase):
    """Reads on from `source` and digests what passes."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data

    def finish(self) -> str:
        while self.read(_CHUNK):
            pass
        return "sha256:" + self._hash.hexdigest()


@contextmanager
def open_tar(path: Path) -> Iterator[IO[bytes]]:
    """Open a tar that is plain, gzip or zstd, as its first bytes tell."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file) as plain:
                yield cast(IO[bytes], plain)
        elif start == b"\x28\xb5\x2f\xfd":
            decompressor = zstandard.ZstdDecompressor()
            with decompressor.stream_reader(file, read_across_frames=True) as reader:
                yield cast(IO[bytes], reader)
        else:
            yield file


def unpack_layer(path: Path, root: Path, diff_id: str = "") -> None:
    """Unpack the layer at `path` over the tree at `root`. Blocking.

    ImageFault if it is no tar or its uncompressed digest is not `diff_id`.
    """
    try:
        with open_tar(path) as content:
            digested = _Digested(content)
            with tarfile.open(fileobj=cast(IO[bytes], digested), mode="r|") as tar:
                _Unpacker(root, whiteouts=True).unpack(tar)
            found = digested.finish()
    except (*_MALFORMED, *_IMPOSSIBLE) as error:
        raise ImageFault(f"layer {path.name} is broken: {error}") from error
    if diff_id and found != diff_id:
        raise ImageFault(f"layer {path.name} holds {found}, but the image names {diff_id}")


def unpack_archive(tar: tarfile.TarFile, root: Path) -> None:
    """Unpack any tar over the tree at `root`, as a layer is but with no name deleting another. Blocking.

    ImageFault if it cannot be read.
    """
    try:
        _Unpacker(root, whiteouts=False).unpack(tar)
    except (*_MALFORMED, *_IMPOSSIBLE) as error:
        raise ImageFault(f"the archive is broken: {error}") from error


class _Unpacker:
    """One tar on its way into one tree."""

    def __init__(self, root: Path, *, whiteouts: bool) -> None:
        self._root = root
        self._whiteouts = whiteouts
        self._own: set[str] = set()
        self._times: list[tuple[str, float]] = []

    def unpack(self, tar: tarfile.TarFile) -> None:
        root = os.open(self._root, _FOLDER | os.O_CLOEXEC)
        folders: dict[str, int] = {}
        try:
            for member in tar:
                path = _inside(member.name)
                if path:
                    folder, _, name = path.rpartition("/")
                    handle = self._folder(root, folder, folders)
                    self._place(tar, member, handle, path, name, root)
                elif member.isdir():
                    self._finish(member, os.dup(root), ".")
            # A directory's time changes while it is filled.
            for path, mtime in reversed(self._times):
                with suppress(FileNotFoundError):
                    handle = open_in_root(root, path, _FOLDER)
                    os.utime(handle, (mtime, mtime))
                    os.close(handle)
        finally:
            for handle in folders.values():
                os.close(handle)
            os.close(root)

    def _folder(self, root: int, path: str, opened: dict[str, int]) -> int:
        """Return a descriptor of the directory `path`, made with its parents if it is not there."""
        if path not in opened:
            if len(opened) > 256:
                for handle in opened.values():
                    os.close(handle)
                opened.clear()
            opened[path] = _make_folder(root, path)
        return opened[path]

    def _place(
        self,
        tar: tarfile.TarFile,
        member: tarfile.TarInfo,
        handle: int,
        path: str,
        name: str,
        root: int,
    ) -> None:
        if self._whiteouts and name == OPAQUE_MARKER:
            self._clear(handle, path.rpartition("/")[0])
            return
        if self._whiteouts and name.startswith(WHITEOUT):
            victim = name.removeprefix(WHITEOUT)
            deleted = path.removesuffix(name) + victim
            if victim not in {"", ".", ".."} and deleted not in self._own:
                _remove(handle, victim)
            return
        self._note(path)
        existing = _status(handle, name)
        if existing is not None and not (member.isdir() and stat.S_ISDIR(existing.st_mode)):
            _remove(handle, name)
            existing = None
        if member.isdir():
            if existing is None:
                os.mkdir(name, 0o755, dir_fd=handle)
            self._times.append((path, member.mtime))
        elif member.issym():
            os.symlink(member.linkname, name, dir_fd=handle)
        elif member.islnk():
            _hard_link(root, member.linkname, handle, name)
            return
        elif member.isreg():
            _write(tar, member, handle, name)
        elif member.ischr() or member.isblk():
            kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
            device = os.makedev(member.devmajor, member.devminor)
            os.mknod(name, kind | 0o600, device, dir_fd=handle)
        elif member.isfifo():
            os.mkfifo(name, 0o600, dir_fd=handle)
        else:
            raise ImageFault(f"a layer holds {path} of unknown type {member.type!r}")
        self._finish(member, handle, name)

    def _finish(self, member: tarfile.TarInfo, handle: int, name: str) -> None:
        """Set owner, mode, extended attributes and time of a new entry."""
        os.chown(name, member.uid, member.gid, dir_fd=handle, follow_symlinks=False)
        place = f"/proc/self/fd/{handle}/{name}"
        if not member.issym():
            os.chmod(name, member.mode & 0o7777, dir_fd=handle)
        for key, value in member.pax_headers.items():
            attribute = key.removeprefix("SCHILY.xattr.")
            # Overlayfs' own would make one layer say where another's files lie.
            if attribute != key and not attribute.startswith(OVERLAY_PREFIXES):
                content = value.encode("utf-8", "surrogateescape")
                os.setxattr(place, attribute, content, follow_symlinks=False)
        if not member.isdir():
            os.utime(name, (member.mtime, member.mtime), dir_fd=handle, follow_symlinks=False)

    def _note(self, path: str) -> None:
        """Remember that this layer brought `path`, and so its parents."""
        while path and path not in self._own:
            self._own.add(path)
            path = path.rpartition("/")[0]

    def _clear(self, handle: int, folder: str) -> None:
        for name in os.listdir(handle):
            if (f"{folder}/{name}" if folder else name) not in self._own:
                _remove(handle, name)


def _inside(name: str) -> str:
    """Return a member's name as a clean relative path; `..` at the top stays at the top."""
    parts: list[str] = []
    for part in PurePosixPath("/" + name).parts[1:]:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return "/".join(parts)


def _make_folder(root: int, path: str) -> int:
    try:
        return open_in_root(root, path or ".", _FOLDER)
    except FileNotFoundError:
        folder, _, name = path.rpartition("/")
        parent = _make_folder(root, folder)
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
            return os.open(name, _FOLDER | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=parent)
        finally:
            os.close(parent)


def _status(handle: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _remove(handle: int, name: str) -> None:
    status = _status(handle, name)
    if status is None:
        return
    if stat.S_ISDIR(status.st_mode):
        shutil.rmtree(name, dir_fd=handle)
    else:
        os.unlink(name, dir_fd=handle)


def _hard_link(root: int, target: str, handle: int, name: str) -> None:
    folder, _, last = _inside(target).rpartition("/")
    source = open_in_root(root, folder or ".", _FOLDER)
    try:
        os.link(last, name, src_dir_fd=source, dst_dir_fd=handle, follow_symlinks=False)
    finally:
        os.close(source)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, handle: int, name: str) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=handle)
    content = tar.extractfile(member)
    with os.fdopen(descriptor, "wb") as file:
        if content is not None:
            shutil.copyfileobj(content, file, _CHUNK)
