"""The Linux calls that Python 3.11 does not offer: mounts, namespaces and path lookup below a root.

Called by mount.py, netns.py, rooted.py and isolation.py. Every function raises OSError with the
path in question. Numbers and flags are those of the x86-64 and arm64 kernel headers (both use the
generic number for openat2).
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

MS_RDONLY = 0x1
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SLAVE = 0x80000
MNT_DETACH = 0x2
CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
RESOLVE_IN_ROOT = 0x10
RESOLVE_NO_MAGICLINKS = 0x02
_SYS_OPENAT2 = 437

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def _fail(path: str | os.PathLike[str] | None = None) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), None if path is None else os.fspath(path))


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount `source` at `target`; `kind` is the file system's name, empty for bind and remount."""
    status = _libc.mount(
        source.encode(),
        os.fsencode(target),
        kind.encode() or None,
        flags,
        options.encode() or None,
    )
    if status != 0:
        raise _fail(target)


def unmount(target: Path, *, lazy: bool = True) -> None:
    """Unmount `target`; lazily means that the last user of the mount takes it down."""
    if _libc.umount2(os.fsencode(target), MNT_DETACH if lazy else 0) != 0:
        raise _fail(target)


def unshare(flags: int) -> None:
    """Move the calling thread into new namespaces."""
    if _libc.unshare(flags) != 0:
        raise _fail()


def setns(descriptor: int, kind: int) -> None:
    """Move the calling thread into the namespace behind `descriptor`."""
    if _libc.setns(descriptor, kind) != 0:
        raise _fail()


def open_in_root(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Open `path` below the directory descriptor `root` as if that were `/`.

    No link leads out of it.
    """
    how = _OpenHow(flags | os.O_CLOEXEC, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    descriptor = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_long(root),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if descriptor < 0:
        raise _fail(path)
    return int(descriptor)
