"""`Stat`, and what `stat`, `exists`, `entries` and `glob` of trees say. Shared with the containers' fields."""

from __future__ import annotations

import os
import stat as modes
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import attributes
from drydock.engine.tree.paths import clean, inside, missing, status
from drydock.engine.tree.patterns import BadPatternError, translate
from drydock.engine.tree.walk import walk


@dataclass(frozen=True)
class Stat:
    """What is known of a file without reading it."""

    graphql_type: ClassVar[str] = "Stat"
    size: int
    name: str
    file_type: str
    permissions: int


attributes("Stat", "size", "name", "fileType", "permissions")


def kind(mode: int) -> str:
    """Return the FileType of a mode."""
    if modes.S_ISREG(mode):
        return "REGULAR"
    if modes.S_ISDIR(mode):
        return "DIRECTORY"
    return "SYMLINK" if modes.S_ISLNK(mode) else "UNKNOWN"


def stat_path(root: Path, path: str, *, follow: bool = True) -> Stat:
    """Return the status of a path of a tree; a followed link has its target's name."""
    place = inside(root, clean(path), follow=follow)
    found = status(place, path)
    size = 0 if modes.S_ISDIR(found.st_mode) else found.st_size
    name = place.name if place != root else "/"
    return Stat(size, name, kind(found.st_mode), modes.S_IMODE(found.st_mode))


_EXPECTED = {
    "REGULAR_TYPE": modes.S_ISREG,
    "DIRECTORY_TYPE": modes.S_ISDIR,
    "SYMLINK_TYPE": modes.S_ISLNK,
}


def exists_path(
    root: Path, path: str, expected_type: str | None = None, *, follow: bool = True
) -> bool:
    """Return whether a path exists and is of a type. Asking for a symlink never follows it."""
    if expected_type == "SYMLINK_TYPE":
        follow = False
    try:
        mode = inside(root, clean(path), follow=follow).lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return expected_type is None or _EXPECTED[expected_type](mode)


def entries_of(root: Path, path: str) -> list[str]:
    """Return the names in a directory in byte order, directories with a trailing slash."""
    place = inside(root, clean(path))
    try:
        with os.scandir(place) as found:
            names = [
                f"{item.name}/" if item.is_dir(follow_symlinks=False) else item.name
                for item in found
            ]
    except FileNotFoundError:
        raise missing(clean(path), "open") from None
    except NotADirectoryError:
        raise EngineError(f"readdirent {clean(path)}: not a directory") from None
    return sorted(names, key=os.fsencode)


def glob_of(root: Path, pattern: str) -> list[str]:
    """Return the paths that match a pattern in byte order, directories with a trailing slash."""
    try:
        regex = translate(pattern.lstrip("/"))
    except BadPatternError as error:
        raise EngineError(f"failed to create glob pattern matcher: {error.message}") from None
    return [
        f"{entry.path}/" if entry.is_directory else entry.path
        for entry in walk(root)
        if regex.match(entry.path)
    ]
