"""What differs between two trees: paths that were added, modified, removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .digest import file_hash
from .walk import Entry, walk


@dataclass
class Changes:
    """Differences from one tree to another; paths without slashes at either end."""

    before: dict[str, Entry]
    after: dict[str, Entry]
    added: list[str] = field(default_factory=list)
    modified: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.removed)

    def shown(self, paths: list[str], entries: dict[str, Entry]) -> list[str]:
        """Return paths with a slash behind directories."""
        return [f"{path}/" if entries[path].is_directory else path for path in paths]

    @property
    def removed_tops(self) -> list[str]:
        """Return the removed paths without those below a removed directory."""
        gone = set(self.removed)
        return [path for path in self.removed if not any(up in gone for up in _parents(path))]

    def taken(self) -> Iterator[Entry]:
        """Yield what was added or modified, with its parents first."""
        wanted = {*self.added, *self.modified}
        needed = wanted | {up for path in wanted for up in _parents(path)}
        return (entry for path, entry in self.after.items() if path in needed)


def compare(before: Path, after: Path) -> Changes:
    """Compare two directories; times do not count. Blocking."""
    found = Changes(
        {entry.path: entry for entry in walk(before)}, {entry.path: entry for entry in walk(after)}
    )
    for path, entry in found.after.items():
        old = found.before.get(path)
        if old is None:
            found.added.append(path)
        elif _kind(old) != _kind(entry):
            found.removed.append(path)
            found.added.append(path)
        elif not _same(old, entry):
            found.modified.append(path)
    found.removed.extend(path for path in found.before if path not in found.after)
    for paths in (found.added, found.modified, found.removed):
        paths.sort(key=os.fsencode)
    return found


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _kind(entry: Entry) -> int:
    return stat.S_IFMT(entry.status.st_mode)


def _same(one: Entry, other: Entry) -> bool:
    first, second = one.status, other.status
    if (first.st_mode, first.st_uid, first.st_gid) != (
        second.st_mode,
        second.st_uid,
        second.st_gid,
    ):
        return False
    if stat.S_ISLNK(first.st_mode):
        return os.readlink(one.place) == os.readlink(other.place)
    if not stat.S_ISREG(first.st_mode):
        return True
    if first.st_size != second.st_size:
        return False
    return file_hash(Path(one.place)) == file_hash(Path(other.place))
