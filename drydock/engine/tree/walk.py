"""Walks a tree in the order of its bytes, taking what include, exclude and .gitignore leave."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from .patterns import Matcher

_GITIGNORE = ".gitignore"


@dataclass(frozen=True)
class Entry:
    """One thing in a tree: its path from the root (no leading slash) and its own status."""

    path: str
    place: str
    status: os.stat_result

    @property
    def is_directory(self) -> bool:
        """Return whether it is a directory."""
        return stat.S_ISDIR(self.status.st_mode)


@dataclass(frozen=True)
class Filter:
    """What of a tree is wanted."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    gitignore: bool = False

    @classmethod
    def of(
        cls, include: Sequence[str] = (), exclude: Sequence[str] = (), *, gitignore: bool = False
    ) -> Filter:
        """Make one from lists."""
        return cls(tuple(include), tuple(exclude), gitignore)

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude or self.gitignore)


EVERYTHING = Filter()


@dataclass
class _Ignores:
    """The .gitignore files above the current place: (path of their directory, rules), outermost first."""

    specs: list[tuple[str, GitIgnoreSpec]] = field(default_factory=list)

    def with_file(self, directory: str, file: Path) -> _Ignores:
        try:
            lines = file.read_text(errors="surrogateescape").splitlines()
        except OSError:
            return self
        return _Ignores([*self.specs, (directory, GitIgnoreSpec.from_lines(lines))])

    def ignores(self, path: str, *, is_directory: bool) -> bool:
        for directory, spec in reversed(self.specs):
            relative = path[len(directory) :].lstrip("/") if directory else path
            verdict = spec.check_file(relative + "/" if is_directory else relative).include
            if verdict is not None:
                return verdict
        return False


def walk(root: Path, wanted: Filter = EVERYTHING, *, above: Path | None = None) -> Iterator[Entry]:
    """Yield what is wanted below `root`, parents before children, siblings in byte order.

    Directories come if they match or something in them does. `above` is the repository's root when
    its .gitignore files, down to `root`, count too.
    """
    walker = _Walker(wanted)
    prefix = ""
    ignores = _Ignores()
    if wanted.gitignore and above is not None and above != root:
        prefix = str(root.relative_to(above))
        parts = root.relative_to(above).parts
        for depth in range(len(parts)):
            folder = above.joinpath(*parts[:depth])
            ignores = ignores.with_file("/".join(parts[:depth]), folder / _GITIGNORE)
    yield from walker.below(str(root), "", prefix, (), (), ignores, [])


class _Walker:
    def __init__(self, wanted: Filter) -> None:
        self._include = Matcher(wanted.include)
        self._exclude = Matcher(wanted.exclude)
        self._gitignore = wanted.gitignore

    def below(
        self,
        folder: str,
        path: str,
        prefix: str,
        included_above: tuple[bool, ...],
        excluded_above: tuple[bool, ...],
        ignores: _Ignores,
        pending: list[Entry],
    ) -> Iterator[Entry]:
        """Yield below one directory; `pending` are parents not yet yielded, emptied with the first hit."""
        with os.scandir(folder) as found:
            items = sorted(found, key=lambda item: os.fsencode(item.name))
        if self._gitignore:
            here = f"{prefix}/{path}".strip("/")
            ignores = ignores.with_file(here, Path(folder) / _GITIGNORE)
        for item in items:
            inner = f"{path}/{item.name}" if path else item.name
            status = item.stat(follow_symlinks=False)
            is_directory = stat.S_ISDIR(status.st_mode)
            if self._gitignore and ignores.ignores(
                f"{prefix}/{inner}".strip("/"), is_directory=is_directory
            ):
                continue
            included, included_here = self._include.match(inner, included_above)
            included = included or not self._include
            excluded, excluded_here = self._exclude.match(inner, excluded_above)
            entry = Entry(inner, item.path, status)
            taken = included and not excluded
            if taken:
                yield from pending
                pending.clear()
                yield entry
            if not is_directory or not self._descends(inner, included=included, excluded=excluded):
                continue
            waiting = [] if taken else [*pending, entry]
            for found_below in self.below(
                item.path, inner, prefix, included_here, excluded_here, ignores, waiting
            ):
                if not taken and pending:
                    pending.clear()  # they were yielded through `waiting`
                yield found_below

    def _descends(self, path: str, *, included: bool, excluded: bool) -> bool:
        if excluded and not self._exclude.may_match_below(path, negated=True):
            return False
        return included or self._include.may_match_below(path)
