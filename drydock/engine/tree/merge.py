"""Applies the changes of one changeset over those of another: a three-way merge, file by file."""

from __future__ import annotations

import enum
import shutil
import subprocess
from pathlib import Path

from drydock.engine.errors import EngineError

from .changes import Changes
from .copy import copy_entries
from .digest import file_hash
from .remove import remove_path

_SECONDS = 60


class Conflict(enum.Enum):
    """What to do where both changed one path."""

    FAIL_EARLY = enum.auto()
    FAIL = enum.auto()
    LEAVE_CONFLICT_MARKERS = enum.auto()
    PREFER_OURS = enum.auto()
    PREFER_THEIRS = enum.auto()


def merge(root: Path, touched: set[str], theirs: Changes, base: Path, conflict: Conflict) -> None:
    """Apply `theirs` (which started from `base`) to `root`, where `touched` paths were changed already."""
    both = [path for path in (*theirs.added, *theirs.modified, *theirs.removed) if path in touched]
    clashes = [path for path in both if not _agree(root, theirs, path)]
    if clashes and conflict is Conflict.FAIL_EARLY:
        raise EngineError(f"conflicting changes: {', '.join(clashes)}")
    skipped = set()
    for path in clashes:
        if _merge_file(root, theirs, base, path, conflict):
            skipped.add(path)
    for path in theirs.removed_tops:
        if path not in skipped:
            remove_path(root / path, root)
    copy_entries((item for item in theirs.taken() if item.path not in skipped), root)


def _agree(root: Path, theirs: Changes, path: str) -> bool:
    """Return whether both sides made the same of a path."""
    ours = root / path
    entry = theirs.after.get(path)
    if entry is None:
        return not ours.exists()
    if entry.is_directory:
        return ours.is_dir()
    return ours.is_file() and file_hash(ours) == file_hash(Path(entry.place))


def _merge_file(root: Path, theirs: Changes, base: Path, path: str, conflict: Conflict) -> bool:
    """Settle one path; return whether ours (merged or not) stays."""
    ours, entry = root / path, theirs.after.get(path)
    if conflict is Conflict.PREFER_THEIRS and (entry is None or not ours.is_file()):
        return False
    if conflict is Conflict.PREFER_OURS and (entry is None or not ours.is_file()):
        return True
    if entry is None or not ours.is_file():
        if conflict is Conflict.LEAVE_CONFLICT_MARKERS:
            return entry is None  # the modified version wins over a removal
        raise EngineError(f"merge conflict in {path}: one side removed it, the other changed it")
    before = base / path
    options = {Conflict.PREFER_OURS: ["--ours"], Conflict.PREFER_THEIRS: ["--theirs"]}
    done = subprocess.run(
        [
            "git",
            "merge-file",
            "-p",
            *options.get(conflict, []),
            "-L",
            "ours",
            "-L",
            "base",
            "-L",
            "theirs",
            str(ours),
            str(before) if before.is_file() else "/dev/null",
            entry.place,
        ],
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    clean = done.returncode == 0
    binary = done.returncode < 0 or done.returncode > 127
    if not clean and (conflict is not Conflict.LEAVE_CONFLICT_MARKERS or binary):
        raise EngineError(f"merge conflict in {path}")
    mode = ours.stat().st_mode
    kept = ours.with_name(f".{ours.name}.merged")
    kept.write_bytes(done.stdout)
    shutil.copymode(ours, kept)
    kept.replace(ours)
    ours.chmod(mode & 0o7777)
    return True
