"""Paths inside a tree: `..` stops at its root, and symbolic links lead where they would in a chroot."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections import deque
from pathlib import Path

from drydock.engine.errors import EngineError

_MAX_LINKS = 255


def clean(path: str, base: str = "/") -> str:
    """Return an absolute, normalized path; relative ones start at `base`, `..` never passes `/`."""
    joined = posixpath.normpath(posixpath.join("/", base, path))
    return "/" + joined.lstrip("/")


def inside(root: Path, path: str, *, follow: bool = True) -> Path:
    """Return where `path` of the tree at `root` really lies; it need not exist.

    Links are followed within the tree, the last one only if `follow`. EngineError when they go in circles.
    """
    waiting = deque(part for part in path.split("/") if part not in {"", "."})
    found: list[str] = []
    links = 0
    while waiting:
        part = waiting.popleft()
        if part == "..":
            if found:
                found.pop()
            continue
        here = os.path.join(root, *found, part)
        if not waiting and not follow:
            found.append(part)
            break
        try:
            target = os.readlink(here)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOENT, errno.ENOTDIR}:
                raise
            found.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise EngineError(f"open {path}: too many levels of symbolic links")
        if target.startswith("/"):
            found.clear()
        waiting.extendleft(reversed([p for p in target.split("/") if p not in {"", "."}]))
    return root.joinpath(*found)


def missing(path: str, what: str = "stat") -> EngineError:
    """Return the error for a path that does not exist."""
    return EngineError(f"{what} {path}: no such file or directory")


def status(place: Path, shown: str, *, follow: bool = False) -> os.stat_result:
    """Return the status of a resolved place; EngineError naming the path as the user wrote it."""
    try:
        return place.stat() if follow else place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise missing(shown) from None


def make_parents(root: Path, place: Path, mode: int = 0o755, time_ns: int | None = None) -> None:
    """Make the directories above `place` (and below `root`) that are missing."""
    for parent in reversed(place.relative_to(root).parents[:-1]):
        make_directory(root / parent, mode, shown="/" + str(parent), time_ns=time_ns)


def make_directory(place: Path, mode: int, *, shown: str, time_ns: int | None = None) -> None:
    """Make one directory with exactly this mode; an existing one stays as it is."""
    try:
        place.mkdir()
    except FileExistsError:
        if not stat.S_ISDIR(place.stat().st_mode):
            raise EngineError(f"mkdir {shown}: not a directory") from None
        return
    place.chmod(mode)
    if time_ns is not None:
        os.utime(place, ns=(time_ns, time_ns))
