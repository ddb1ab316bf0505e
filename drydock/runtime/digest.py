"""Content digests of trees.

Equal digests mean equal names, kinds, modes, owners, link targets and contents. Called by the
engine for cache keys of host directories and selections. Times do not count, nor does how a tree
came about. Contents are hashed by a few threads; what a file held is remembered by its identity and
times, so that a tree that was digested before costs little more than its listing.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_THREADS = max(2, min(8, os.cpu_count() or 2))
_REMEMBERED = 200_000
# A file that changed this recently may change again within the resolution of its times.
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True)
class _Leaf:
    path: bytes
    status: os.stat_result


class _Memory:
    """Content digests by (device, inode, size, mtime, ctime); bounded, shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, ...], bytes] = OrderedDict()

    def digest(self, leaf: _Leaf) -> bytes:
        status = leaf.status
        key = (
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        found = _content(leaf.path)
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
            with self._lock:
                self._known[key] = found
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return found


_MEMORY = _Memory()


def digest_tree(root: Path, *, owners: bool = True) -> str:
    """Return `sha256:<hex>` of the tree (or single file) at `root`. Blocking.

    The name of `root` itself does not count. `owners=False` leaves user and group out.
    """
    total = hashlib.sha256()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="digest") as threads:
        leaves = list(_walk(os.fsencode(root)))
        regular = [leaf for leaf in leaves if stat.S_ISREG(leaf.status.st_mode)]
        contents = dict(
            zip(
                (leaf.path for leaf in regular),
                threads.map(_MEMORY.digest, regular, chunksize=32),
                strict=True,
            )
        )
    prefix = len(os.fsencode(root))
    for leaf in leaves:
        status = leaf.status
        mode = status.st_mode
        owner = f"{status.st_uid}:{status.st_gid}" if owners else ""
        if stat.S_ISREG(mode):
            payload = contents[leaf.path]
        elif stat.S_ISLNK(mode):
            # The mode of a link means nothing and differs between systems.
            mode = stat.S_IFLNK
            payload = os.fsencode(Path(os.fsdecode(leaf.path)).readlink())
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            payload = str(status.st_rdev).encode()
        else:
            payload = b""
        name = leaf.path[prefix:]
        for part in (name, f"{mode:o} {owner}".encode(), payload):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return "sha256:" + total.hexdigest()


def digest_file(path: Path) -> str:
    """Return the plain SHA-256 of a file's content as `sha256:<hex>`. Blocking."""
    return "sha256:" + _MEMORY.digest(_Leaf(os.fsencode(path), path.stat())).hex()


def _walk(path: bytes) -> Iterator[_Leaf]:
    """Yield `path` and what is below it: parents before children, names in byte order."""
    status = os.lstat(path)
    yield _Leaf(path, status)
    if stat.S_ISDIR(status.st_mode):
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            yield from _walk(path + b"/" + name)


def _content(path: bytes) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - a path of bytes
        return hashlib.file_digest(file, "sha256").digest()
