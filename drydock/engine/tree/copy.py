"""Copies what a walk yields into another tree, with times, modes and links."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from drydock.engine.errors import EngineError

from .walk import Entry

Owner = tuple[int, int]


@dataclass(frozen=True)
class Attributes:
    """What copies get instead of what their source had; None keeps it."""

    owner: Owner | None = None
    mode: int | None = None


KEEP = Attributes()


def copy_entries(entries: Iterable[Entry], target: Path, attributes: Attributes = KEEP) -> None:
    """Copy entries below an existing directory; files there are replaced, directories merged."""
    times: list[tuple[str, os.stat_result]] = []
    for entry in entries:
        place = os.path.join(target, entry.path)
        if entry.is_directory:
            _directory(entry, place, attributes)
            times.append((place, entry.status))
        else:
            copy_file(Path(entry.place), Path(place), attributes, entry.status)
    for place, status in reversed(times):
        # Last and inside out, because filling a directory touches it.
        os.utime(place, ns=(status.st_mtime_ns, status.st_mtime_ns))


def _directory(entry: Entry, place: str, attributes: Attributes) -> None:
    try:
        os.mkdir(place)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(place).st_mode):
            raise EngineError(f"cannot copy to non-directory: {entry.path}") from None
    set_attributes(place, entry.status, attributes)


def copy_file(
    source: Path,
    place: Path,
    attributes: Attributes = KEEP,
    status: os.stat_result | None = None,
) -> None:
    """Copy one file, link or device, replacing what is at `place` unless that is a directory."""
    status = status or source.lstat()
    try:
        place.unlink()
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        raise EngineError(f"cannot replace directory {place.name} with a file") from None
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(source), place)
    elif stat.S_ISREG(mode):
        shutil.copyfile(source, place)
        _extended(source, place)
    elif stat.S_ISSOCK(mode):
        return  # a socket means nothing without its process
    else:
        os.mknod(place, mode, status.st_rdev)
    set_attributes(str(place), status, attributes)
    os.utime(place, ns=(status.st_mtime_ns, status.st_mtime_ns), follow_symlinks=False)


def set_attributes(place: str, status: os.stat_result, attributes: Attributes) -> None:
    """Give a copy its owner and mode."""
    user, group = attributes.owner or (status.st_uid, status.st_gid)
    os.chown(place, user, group, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        # After chown, which drops the set-id bits.
        mode = attributes.mode if attributes.mode is not None else stat.S_IMODE(status.st_mode)
        os.chmod(place, mode)


def _extended(source: Path, place: Path) -> None:
    """Copy file capabilities and user attributes; overlayfs keeps its own under trusted.*."""
    for name in os.listxattr(source):
        if not name.startswith("trusted."):
            with contextlib.suppress(OSError):
                os.setxattr(place, name, os.getxattr(source, name))
