"""The place a function runs in: its module's source and the interpreter, and nothing else of the machine.

Called by the runner in the child of a function call. The child gets its own mount and process namespaces and a network
like a container's: `/` is a small tmpfs with the system's programs and libraries read-only, `/src/<digest>` is the module,
`/scratch` the empty working directory; the only port on its loopback is the engine's. What it starts dies with it. Without
the rights for namespaces the child only changes its directory.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from drydock.runtime.syscalls import (
    CLONE_NEWNET,
    MNT_DETACH,
    MS_BIND,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
    setns,
    unmount,
    unshare,
)

_CLONE_NEWNS = 0x00020000
_CLONE_NEWPID = 0x20000000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUTS = 0x04000000
_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION = 0x20080522
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SETTINGS = (
    "ca-certificates", "group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
    "mime.types", "nsswitch.conf", "os-release", "passwd", "pki", "ssl",
)  # fmt: skip
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
# What containers may do by default; capability numbers of linux/capability.h.
_KEPT = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
_LAST_CAPABILITY = 40
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def possible() -> bool:
    """Return whether this process may make namespaces."""
    return os.geteuid() == 0 and platform.machine() in _PIVOT_ROOT


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def separate(network: Path) -> None:
    """Move into new namespaces and the network `network`; the next child is the first process of its own."""
    descriptor = os.open(network, os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(descriptor, CLONE_NEWNET)
    finally:
        os.close(descriptor)
    unshare(_CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWIPC | _CLONE_NEWUTS)


def enter(
    root: Path, source: Path, source_target: str, packages: Iterable[Path], resolver: str
) -> None:
    """Make `root` (an empty folder) the file system and drop privileges.

    `source` appears at `source_target`; `packages` are folders of Python packages that are needed at their own path;
    `resolver` is the text of its /etc/resolv.conf.
    """
    mount("", Path("/"), flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=512m")
    for name in _SYSTEM:
        _show(Path("/") / name, root / name)
    for path in [*_interpreter(), *packages]:
        if path.is_dir() and not _inside(path, _SYSTEM):
            _show(path, root / path.relative_to("/"))
    for name in _SETTINGS:
        _show(Path("/etc") / name, root / "etc" / name)
    (root / "etc" / "resolv.conf").write_text(resolver)
    for name in _DEVICES:
        _show(Path("/dev") / name, root / "dev" / name, read_only=False)
    (root / "dev" / "shm").mkdir(mode=0o1777)
    for name, mode in (("scratch", 0o755), ("root", 0o700), ("tmp", 0o1777), ("proc", 0o555)):
        # The interpreter itself may stand below /root.
        (root / name).mkdir(mode=mode, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    mount("proc", root / "proc", "proc", _MS_NOSUID | _MS_NODEV)
    _show(source, root / source_target.lstrip("/"))
    _pivot(root)
    os.chdir("/scratch")
    _drop_privileges()


def _interpreter() -> list[Path]:
    """Return the folders the running Python is made of."""
    found = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent}
    return sorted(found)


def _inside(path: Path, names: Iterable[str]) -> bool:
    return len(path.parts) > 1 and path.parts[1] in names


def _show(source: Path, target: Path, *, read_only: bool = True) -> None:
    """Make a path of the machine visible below the new root; absent ones are left out."""
    if target.exists() or target.is_symlink():
        return
    if source.is_symlink() and source.parent == Path("/"):
        target.symlink_to(source.readlink())
        return
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        target.mkdir()
    else:
        target.touch()
    mount(os.fspath(source), target, flags=MS_BIND | MS_REC)
    if read_only:
        mount("", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY)


def _pivot(root: Path) -> None:
    os.chdir(root)
    here = ctypes.c_char_p(b".")
    if _libc.syscall(ctypes.c_long(_PIVOT_ROOT[platform.machine()]), here, here) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fspath(root))
    unmount(Path(), lazy=bool(MNT_DETACH))
    os.chdir("/")


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _drop_privileges() -> None:
    """Keep the capabilities of an ordinary container."""
    for number in range(_LAST_CAPABILITY + 1):
        if number not in _KEPT:
            _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    mask = sum(1 << number for number in _KEPT)
    sets = (_Sets * 2)(
        _Sets(mask & 0xFFFFFFFF, mask & 0xFFFFFFFF, 0), _Sets(mask >> 32, mask >> 32, 0)
    )
    if _libc.capset(ctypes.byref(_Header(_CAPABILITY_VERSION, 0)), ctypes.byref(sets)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "capset")
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
