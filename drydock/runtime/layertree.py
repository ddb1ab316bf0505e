"""What a stack of overlayfs layer directories looks like when merged, without mounting it.

Called by snapshot.py (flattening) and pack.py (layer tars), which need to know where each file
comes from and what was deleted; a mount shows neither. Whiteouts are character devices 0:0, opaque
directories carry an extended attribute.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

OPAQUE = "trusted.overlay.opaque"
OVERLAY_PREFIXES = ("trusted.overlay.", "user.overlay.")


@dataclass(frozen=True)
class Entry:
    """One path of the merged tree.

    `path` is relative and never empty, `source` is the file in its layer. `whiteout`: the path was
    deleted from what lies below the stack. `opaque`: a directory that hides everything below.
    """

    path: str
    source: Path
    status: os.stat_result
    whiteout: bool = False
    opaque: bool = False


@dataclass
class _Name:
    """What is known about one name while the layers are looked through, topmost first."""

    first: Path
    status: os.stat_result
    folders: list[Path] = field(default_factory=list)
    closed: bool = False
    opaque: bool = False


def is_whiteout(status: os.stat_result) -> bool:
    """Tell whether a file of an upper directory stands for a deletion."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(path: Path) -> bool:
    """Tell whether a directory of a layer hides the same directory of the layers below."""
    try:
        return os.getxattr(path, OPAQUE, follow_symlinks=False) in {b"y", b"x"}
    except OSError:
        return False


def walk(layers: Sequence[Path]) -> Iterator[Entry]:
    """Yield the merged tree of `layers` (topmost first).

    Parents before children, names in byte order.
    """
    yield from _walk("", list(layers))


def _walk(prefix: str, folders: list[Path]) -> Iterator[Entry]:
    names: dict[str, _Name] = {}
    for folder in folders:
        with os.scandir(folder) as entries:
            for entry in entries:
                _note(names, entry)
    for text in sorted(names, key=os.fsencode):
        name = names[text]
        path = prefix + text
        yield Entry(path, name.first, name.status, is_whiteout(name.status), name.opaque)
        if name.folders:
            yield from _walk(f"{path}/", name.folders)


def _note(names: dict[str, _Name], entry: os.DirEntry[str]) -> None:
    known = names.get(entry.name)
    if known is not None and known.closed:
        return
    status = entry.stat(follow_symlinks=False)
    path = Path(entry.path)
    if known is None:
        known = names[entry.name] = _Name(path, status)
    if not stat.S_ISDIR(status.st_mode):
        known.closed = True
        # A whiteout or a file between two directories: the upper one started anew.
        known.opaque = known.opaque or bool(known.folders)
        return
    known.folders.append(path)
    if is_opaque(path):
        known.closed = known.opaque = True


def extended_attributes(path: Path) -> dict[str, bytes]:
    """Return the extended attributes of a file, without those that overlayfs keeps for itself."""
    return {
        name: os.getxattr(path, name, follow_symlinks=False)
        for name in sorted(os.listxattr(path, follow_symlinks=False))
        if not name.startswith(OVERLAY_PREFIXES)
    }


def copy_attributes(source: Path, status: os.stat_result, target: Path) -> None:
    """Give `target` the owner, mode, extended attributes and times of `source`."""
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        target.chmod(stat.S_IMODE(status.st_mode))
    for name, value in extended_attributes(source).items():
        os.setxattr(target, name, value, follow_symlinks=False)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def flatten(layers: Sequence[Path], target: Path) -> None:
    """Make `target` (an empty directory) one layer that shows what `layers` show together.

    Files are hard links into their layers, which never change, so this costs no space and little
    time.
    """
    folders: list[tuple[Path, os.stat_result, Path]] = [(layers[0], layers[0].lstat(), target)]
    for entry in walk(layers):
        if entry.whiteout:
            continue
        place = target / entry.path
        if stat.S_ISDIR(entry.status.st_mode):
            place.mkdir()
            folders.append((entry.source, entry.status, place))
        else:
            os.link(entry.source, place, follow_symlinks=False)
    # Times of a directory change while it is filled, so they are set from the leaves up.
    for source, status, place in reversed(folders):
        copy_attributes(source, status, place)
