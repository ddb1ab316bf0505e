"""Which Service an HTTP request belongs to, by the rules of all Ingress objects.

Pure; the ingress rebuilds the table after every change. Invariant: an exact host beats a wildcard and
a wildcard beats none; then an exact path beats every prefix, and the longest prefix wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drydock.cluster.controllers.meta import created, key_of
from drydock.cluster.errors import Obj


@dataclass(frozen=True)
class Backend:
    """A Service port, by number or by name."""

    namespace: str
    service: str
    port: int | str


@dataclass(frozen=True)
class Route:
    """One path of one host."""

    host: str
    path: str
    exact: bool
    backend: Backend


class Routes:
    """All routes of the cluster; the oldest Ingress wins where two say the same."""

    def __init__(self, ingresses: Iterable[Obj]) -> None:
        self._routes: list[Route] = []
        self._default: Backend | None = None
        for ingress in sorted(ingresses, key=lambda one: (created(one), key_of(one))):
            self._add(ingress)

    def find(self, host: str, path: str) -> Backend | None:
        """Return the backend for a request, the default backend or None."""
        name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
        name = name.lower().rstrip(".")
        fitting = [
            (_host_rank(route.host, name), route.exact, len(route.path), -at, route.backend)
            for at, route in enumerate(self._routes)
            if _host_rank(route.host, name) and _takes(route, path)
        ]
        if not fitting:
            return self._default
        return max(fitting, key=lambda row: row[:4])[4]

    def _add(self, ingress: Obj) -> None:
        namespace, spec = key_of(ingress)[0], ingress.get("spec") or {}
        if "defaultBackend" in spec and self._default is None:
            self._default = _backend(namespace, spec["defaultBackend"])
        for rule in spec.get("rules") or []:
            for one in (rule.get("http") or {}).get("paths") or []:
                backend = _backend(namespace, one["backend"])
                if backend is not None:
                    exact = one.get("pathType") == "Exact"
                    host = (rule.get("host") or "").lower()
                    self._routes.append(Route(host, one.get("path") or "/", exact, backend))


def _backend(namespace: str, backend: Obj) -> Backend | None:
    service = backend.get("service")
    if service is None:
        return None
    port = service.get("port") or {}
    return Backend(namespace, service["name"], port.get("number") or port.get("name") or 80)


def _host_rank(pattern: str, name: str) -> int:
    """Return 3 for the same host, 2 for a wildcard of one label, 1 for any host, 0 for another."""
    if not pattern:
        return 1
    if pattern == name:
        return 3
    if pattern.startswith("*."):
        first, _, rest = name.partition(".")
        return 2 if first and rest == pattern[2:] else 0
    return 0


def _takes(route: Route, path: str) -> bool:
    """Tell whether a route takes a path; a prefix ends at a slash: /foo takes /foo/bar, not /foobar."""
    if route.exact:
        return path == route.path
    prefix = route.path.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/") or not prefix
