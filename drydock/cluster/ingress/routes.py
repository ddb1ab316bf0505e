"""Which Service an HTTP request belongs to, by the rules of all Ingress objects.

Pure; the controller makes it anew after every change. Invariants: a host is served by its own rules
alone, then those of its wildcard, then those without a host; of two Ingresses that claim one path of one
host, the older serves it, and the younger has a Problem.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from drydock.cluster.controllers.meta import created, key_of
from drydock.cluster.errors import Obj
from drydock.cluster.ingress.locations import EXACT, Backend, Location, Match, Server, pattern
from drydock.cluster.ingress.options import read_options

ANY_HOST = ""
Key = tuple[str, str]
Claim = tuple[Key, Location]


@dataclass(frozen=True)
class Problem:
    """Why a part of an Ingress is not served, for an event about it."""

    ingress: Key
    reason: str
    message: str


class Routes:
    """All routes of the cluster."""

    def __init__(self, ingresses: Iterable[Obj]) -> None:
        self.problems: list[Problem] = []
        self._owners: dict[tuple[str, str, bool], Key] = {}
        self._defaults: dict[str, Backend] = {}
        claims: defaultdict[str, list[Claim]] = defaultdict(list)
        for ingress in sorted(ingresses, key=lambda one: (created(one), key_of(one))):
            for host, location in self._read(ingress):
                claims[host].append((key_of(ingress), location))
        self._servers = {host: Server(self._sound(found)) for host, found in claims.items()}
        self._known = {*self._servers, *self._defaults}

    def find(self, host: str, raw: str, query: str = "") -> Match | None:
        """Find where a request goes: its Host header, path and query as sent; raise BadPath."""
        name = self._server_name(host)
        server = self._servers.get(name)
        found = server.find(raw, query) if server else None
        if found is None and name in self._defaults:
            backend, options = self._defaults[name], read_options({"metadata": {}})
            return Match(backend, options, raw, query)
        return found

    def _server_name(self, host: str) -> str:
        name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
        name = name.lower().rstrip(".")
        wildcard = f"*.{name.partition('.')[2]}"
        return next((one for one in (name, wildcard) if one in self._known), ANY_HOST)

    def _read(self, ingress: Obj) -> Iterable[tuple[str, Location]]:
        """Read the locations of an Ingress with their hosts; leave out what cannot be served."""
        key, spec, options = key_of(ingress), ingress.get("spec") or {}, read_options(ingress)
        if options.canary:
            told = "Drydock has no canaries: this Ingress gets no requests"
            self.problems.append(Problem(key, "CanaryIgnored", told))
            return
        rules = spec.get("rules") or []
        rest = _backend(key[0], spec.get("defaultBackend") or {})
        if rest is not None:
            for host in [(rule.get("host") or "").lower() for rule in rules] or [ANY_HOST]:
                if host != ANY_HOST or not rules:
                    self._defaults.setdefault(host, rest)
        for rule in rules:
            host = (rule.get("host") or "").lower()
            for one in (rule.get("http") or {}).get("paths") or []:
                backend = _backend(key[0], one["backend"])
                path, kind = one.get("path") or "/", one.get("pathType") or ""
                if backend is not None and self._free(key, host, path, kind):
                    yield host, Location(path, kind, backend, options)

    def _free(self, key: Key, host: str, path: str, kind: str) -> bool:
        """Claim a path of a host for an Ingress; False when an older one has it."""
        claim = (host, path if kind == EXACT else path.rstrip("/"), kind == EXACT)
        owner = self._owners.setdefault(claim, key)
        if owner != key:
            told = (
                f"host {host or '*'} and path {path} belong to the older Ingress {'/'.join(owner)}"
            )
            self.problems.append(Problem(key, "PathTaken", f"{told}; requests go there"))
        return owner == key

    def _sound(self, claims: list[Claim]) -> Iterable[Location]:
        """Leave out paths that are to be patterns and are none."""
        patterns = any(location.is_pattern for _, location in claims)
        for key, location in claims:
            try:
                if patterns:
                    pattern(location.path)
            except re.error as error:
                told = f"path {location.path} is read as a pattern and is none: {error}"
                self.problems.append(Problem(key, "InvalidPath", told))
            else:
                yield location


def _backend(namespace: str, backend: Obj) -> Backend | None:
    service = backend.get("service")
    if service is None:
        return None
    port = service.get("port") or {}
    return Backend(namespace, service["name"], port.get("number") or port.get("name") or 80)
