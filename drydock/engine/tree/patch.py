"""Unified diffs, by git: applying one to a directory, making one of two directories."""

from __future__ import annotations

import os
from pathlib import Path

from drydock.engine.errors import EngineError
from drydock.engine.program import run
from drydock.runtime.state import remove_tree

from . import in_thread
from .changes import Changes
from .copy import copy_file

_SECONDS = 300.0
_NOTHING = "/dev/null"  # git's name for the side on which a file is not


async def run_git(
    *args: str, cwd: Path, stdin: bytes = b"", accept: tuple[int, ...] = (0,)
) -> bytes:
    """Run git apart from any repository and configuration; return its output.

    EngineError for another exit code than those accepted.
    """
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_DIR": "/nonexistent",
        "LC_ALL": "C",
    }
    ended = await run("git", *args, cwd=cwd, env=environ, seconds=_SECONDS, stdin=stdin)
    if ended.code not in accept:
        message = ended.err.decode(errors="replace").strip() or f"exit status {ended.code}"
        raise EngineError(f"git {args[0]}: {message}")
    return ended.out


async def apply_patch(root: Path, patch: bytes) -> None:
    """Apply a unified diff (`a/`, `b/` prefixes) in a directory."""
    if patch.strip():
        await run_git("apply", "--allow-empty", "-", cwd=root, stdin=patch)


async def patch_of(changes: Changes, folder: Path) -> bytes:
    """Return the unified diff of changes; `folder` is a scratch folder, removed at the end."""
    return await _diff(changes, folder)


async def diff_stats(changes: Changes, folder: Path) -> list[tuple[str, str, int, int, str | None]]:
    """Return (path, ADDED | MODIFIED | REMOVED | RENAMED, lines added, lines removed, old path)."""
    listed = await _diff(changes, folder, "--numstat", "-z", "-M")
    fields = listed.decode(errors="surrogateescape").split("\0")
    found: list[tuple[str, str, int, int, str | None]] = []
    while len(fields) > 1:
        added, removed, path = fields.pop(0).split("\t")
        old: str | None = None
        if not path:  # both names follow; a file that is on one side only has none on the other
            names = [fields.pop(0), fields.pop(0)]
            old, path = names if _NOTHING not in names else (None, min(names, key=_NOTHING.__eq__))
        path = _bare(path)
        old = None if old is None else _bare(old)
        if old is not None:
            kind = "RENAMED" if old != path else "MODIFIED"
        elif path in changes.added:
            kind = "ADDED"
        else:
            kind = "REMOVED" if path in changes.removed else "MODIFIED"
        moved = old if kind == "RENAMED" else None
        found.append((path, kind, _count(added), _count(removed), moved))
    return sorted(found, key=lambda item: os.fsencode(item[0]))


def _bare(path: str) -> str:
    """Return a path without the leading `a/` or `b/`."""
    return path.partition("/")[2]


def _count(text: str) -> int:
    return int(text) if text != "-" else 0  # binary files have no lines


async def _diff(changes: Changes, folder: Path, *options: str) -> bytes:
    """Run git diff on copies of just the files that differ."""
    try:
        await in_thread(_lay_out, changes, folder)
        args = ("diff", "--no-index", "--no-prefix", "--no-color", *options, "a", "b")
        return await run_git(*args, cwd=folder, accept=(0, 1))
    finally:
        await in_thread(remove_tree, folder)


def _lay_out(changes: Changes, folder: Path) -> None:
    for name, entries, paths in (
        ("a", changes.before, {*changes.removed, *changes.modified}),
        ("b", changes.after, {*changes.added, *changes.modified}),
    ):
        (folder / name).mkdir()
        for path in paths:
            entry = entries.get(path)
            if entry is not None and not entry.is_directory:
                place = folder / name / path
                place.parent.mkdir(parents=True, exist_ok=True)
                copy_file(Path(entry.place), place)
