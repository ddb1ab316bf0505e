"""Removes what a path or pattern names."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from drydock.engine.errors import EngineError

from .paths import clean, inside
from .patterns import BadPatternError, translate
from .walk import walk


def remove_matching(root: Path, path: str) -> None:
    """Remove the files, links and directories that a path or pattern names; nothing found is fine."""
    wanted = clean(path).lstrip("/")
    if not any(char in wanted for char in "*?[\\"):
        remove_path(inside(root, wanted, follow=False), root)
        return
    try:
        regex = translate(wanted)
    except BadPatternError as error:
        raise EngineError(f"{error.message}: {path}") from None
    depth = wanted.count("/") + 1 if "**" not in wanted else None
    for entry in list(walk(root)):
        if (depth is None or entry.path.count("/") + 1 == depth) and regex.match(entry.path):
            remove_path(Path(entry.place), root)


def remove_path(place: Path, root: Path) -> None:
    """Remove one place of a tree, whatever it is; the root is emptied. Absent is fine."""
    if place == root:
        for item in list(root.iterdir()):
            remove_path(item, root)
    elif place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            place.unlink()
