"""From a URL to what it means: resource, namespace, name, subresource, verb.

`Api` calls it once per request. Invariant: a path either names a row of the registry or is refused
with the very 404 that a real server gives.
"""

from __future__ import annotations

from dataclasses import dataclass

from drydock.cluster.errors import ApiError, method_not_allowed, unknown_path
from drydock.cluster.message import Request
from drydock.cluster.resources import Registry, Resource

_BY_METHOD = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class Target:
    """What a resource request is about."""

    resource: Resource
    namespace: str
    name: str
    subresource: str
    verb: str
    rest: str = ""  # of a proxy path

    @property
    def resource_path(self) -> str:
        """Return `pods/log`, as authorisation names it."""
        plural = self.resource.plural
        return f"{plural}/{self.subresource}" if self.subresource else plural


def is_resource_path(path: str) -> bool:
    """Say whether a path lies below a group version."""
    parts = path.strip("/").split("/")
    return (parts[0] == "api" and len(parts) > 2) or (parts[0] == "apis" and len(parts) > 3)


def resolve(registry: Registry, request: Request) -> Target:
    """Find the target of a resource request; raises ApiError 404 or 405."""
    parts = request.path.strip("/").split("/")
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    watching = rest[:1] == ["watch"]
    if watching:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = rest[0], *[*rest[1:], "", ""][:2]
    served = {(row.group, row.version) for row in registry}
    if (group, version) not in served:
        raise ApiError(404, "", "404 page not found\n", shape="text/plain; charset=utf-8")
    resource = registry.find(group, version, plural)
    if resource is None or (bool(namespace) and not resource.namespaced):
        raise unknown_path()
    if resource.namespaced and not namespace and (name or request.method == "POST"):
        if request.method == "POST" and not name and not resource.stored:
            return Target(resource, "", "", "", "create")
        raise method_not_allowed() if request.method == "POST" and not name else unknown_path()
    verb = _verb(request, name, watching=watching)
    if subresource:
        sub = resource.subresource(subresource)
        if sub is None:
            raise unknown_path()
    _allowed(resource, subresource, verb)
    return Target(resource, namespace, name, subresource, verb, "/".join(rest[3:]))


def _verb(request: Request, name: str, *, watching: bool) -> str:
    if request.method in ("GET", "HEAD"):
        if watching or request.query.get("watch") in ("true", "1"):
            return "watch"
        return "get" if name else "list"
    verb = _BY_METHOD.get(request.method)
    if verb is None:
        raise method_not_allowed()
    if verb == "delete" and not name:
        return "deletecollection"
    return verb


def _allowed(resource: Resource, subresource: str, verb: str) -> None:
    if subresource:
        sub = resource.subresource(subresource)
        verbs = sub.verbs if sub else ()
        if verb not in verbs:
            raise method_not_allowed()
    elif verb not in resource.verbs:
        raise method_not_allowed()
