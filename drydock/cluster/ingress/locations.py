"""Which path of one host a request belongs to, by the rules of nginx's `location`.

Pure. As soon as one path of a host is a pattern or rewrites, ingress-nginx reads all paths of that host
as beginnings of patterns, in any case of letters, longest first: `/api` then also takes `/apiary`, and
an exact path is none any more. Otherwise an exact path beats every prefix, and the longest prefix wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from drydock.cluster.ingress.options import Options
from drydock.cluster.ingress.uri import normalized, rewrite

EXACT, PREFIX = "Exact", "Prefix"


@dataclass(frozen=True)
class Backend:
    """A Service port, by number or by name."""

    namespace: str
    service: str
    port: int | str


@dataclass(frozen=True)
class Location:
    """One path of an Ingress rule."""

    path: str
    kind: str
    backend: Backend
    options: Options = field(default_factory=Options)

    @property
    def is_pattern(self) -> bool:
        """Tell whether this path makes patterns of all paths of its host."""
        return self.options.use_regex or self.options.rewrites(self.path)


@dataclass(frozen=True)
class Match:
    """Where a request goes; `path` and `query` as they are sent on."""

    backend: Backend
    options: Options
    path: str
    query: str


class Server:
    """The locations of one host. Raises re.error for a path that is to be a pattern and is none."""

    def __init__(self, locations: Iterable[Location]) -> None:
        by_name = sorted(locations, key=lambda one: one.path, reverse=True)
        self._locations = sorted(by_name, key=lambda one: len(one.path), reverse=True)
        self._patterns: dict[Location, re.Pattern[str]] = {}
        if any(one.is_pattern for one in self._locations):
            self._patterns = {one: pattern(one.path) for one in self._locations}

    def find(self, raw: str, query: str) -> Match | None:
        """Find where a path, as it was sent, goes; raise BadPath."""
        path = normalized(raw)
        location = self._by_pattern(path) if self._patterns else self._by_prefix(path)
        if location is None:
            return None
        options = location.options
        if options.rewrites(location.path):
            raw, query = rewrite(self._patterns[location], options.rewrite_target, path, query)
        return Match(location.backend, options, raw, query)

    def _by_pattern(self, path: str) -> Location | None:
        for location, begins in self._patterns.items():
            if begins.match(path):
                return location
        return None

    def _by_prefix(self, path: str) -> Location | None:
        for location in self._locations:
            if location.kind == EXACT and path == location.path:
                return location
        for location in self._locations:
            if location.kind != EXACT and _begins(path, location):
                return location
        return None


def pattern(path: str) -> re.Pattern[str]:
    """Read a path as the beginning of a pattern; raise re.error."""
    return re.compile(path, re.IGNORECASE)


def _begins(path: str, location: Location) -> bool:
    """Tell whether a path lies below another; a Prefix ends at a slash: /foo takes /foo/bar, not /foobar."""
    if location.kind != PREFIX:
        return path.startswith(location.path)
    prefix = location.path.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/")
