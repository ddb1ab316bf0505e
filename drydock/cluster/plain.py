"""Requests that are about no resource: health, version, discovery, OpenAPI, keys.

`Api` calls `answer` for every path outside of a group version.
"""

from __future__ import annotations

import platform

from drydock.cluster import discovery
from drydock.cluster.core import Core
from drydock.cluster.errors import ApiError, Obj, unknown_path
from drydock.cluster.message import Request, Response
from drydock.cluster.openapi import SWAGGER_PROTOBUF, OpenApi, swagger, swagger_protobuf
from drydock.cluster.tokens import ISSUER

VERSION: Obj = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "drydock",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": f"python{platform.python_version()}",
    "compiler": "drydock",
    "platform": "linux/amd64",
}
_ISSUING: Obj = {
    "issuer": ISSUER,
    "response_types_supported": ["id_token"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256"],
}
_HEALTH = ("healthz", "livez", "readyz")
_CHECKS = ("ping", "log", "etcd")


class Plain:
    """Answer the paths that stand beside the resources."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._openapi = OpenApi(core)

    def answer(self, request: Request) -> Response:
        """Return the document of a path; raises ApiError 404."""
        if request.method not in ("GET", "HEAD"):
            raise unknown_path()
        parts = request.path.strip("/").split("/")
        if parts[0] in _HEALTH:
            return _health(parts, request)
        found = self._document(parts, request)
        if found is None:
            raise unknown_path()
        return found

    def _document(self, parts: list[str], request: Request) -> Response | None:
        registry = self._core.registry
        accept = request.headers.get("accept", "")
        combined = "APIGroupDiscoveryList" in accept and "v=v2" in accept.replace("v2beta1", "")
        if parts == ["api"] or parts == ["apis"]:
            if combined:
                made = discovery.aggregated(registry, core=parts == ["api"])
                return Response(200, made, discovery.AGGREGATED)
            if parts == ["api"]:
                return Response(200, discovery.api_versions(request.headers.get("host", "")))
            return Response(200, discovery.group_list(registry))
        if parts[0] == "apis" and len(parts) == 2:
            return _known(discovery.group(registry, parts[1]), text=True)
        if parts[0] == "apis" and len(parts) == 3:
            return _known(discovery.resource_list(registry, parts[1], parts[2]), text=True)
        if parts[0] == "api" and len(parts) == 2:
            return _known(discovery.resource_list(registry, "", parts[1]), text=True)
        if parts == ["version"]:
            return Response(200, VERSION)
        if parts == ["openapi", "v3"]:
            return Response(200, self._openapi.index())
        if parts[:2] == ["openapi", "v3"]:
            document = self._openapi.document("/".join(parts[2:]))
            return Response(200, document) if document is not None else None
        if parts == ["openapi", "v2"]:
            if "proto-openapi" in accept:
                return Response(200, swagger_protobuf(), SWAGGER_PROTOBUF)
            return Response(200, swagger())
        if parts == ["metrics"]:
            return Response(200, self._metrics(), "text/plain; version=0.0.4; charset=utf-8")
        if parts == [".well-known", "openid-configuration"]:
            host = request.headers.get("host", "127.0.0.1:6443")
            return Response(200, {**_ISSUING, "jwks_uri": f"https://{host}/openid/v1/jwks"})
        if parts == ["openid", "v1", "jwks"]:
            return Response(200, self._core.tokens.key_set(), "application/jwk-set+json")
        return Response(200, {"paths": self._paths()}) if parts == [""] else None

    def _paths(self) -> list[str]:
        found = ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/"]
        for group, versions in self._core.registry.groups().items():
            found.append(f"/apis/{group}")
            found += [f"/apis/{group}/{version}" for version in versions]
        found += [f"/{name}" for name in _HEALTH]
        own = ("/metrics", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/version")
        return sorted([*found, *own])

    def _metrics(self) -> bytes:
        lines = ["# TYPE apiserver_storage_objects gauge"]
        for name in sorted(self._core.store.resources()):
            count = len(self._core.store.all(name))
            lines.append(f'apiserver_storage_objects{{resource="{name}"}} {count}')
        return ("\n".join(lines) + "\n").encode()


def _known(document: Obj | None, *, text: bool) -> Response:
    if document is None and text:
        raise ApiError(404, "", "404 page not found\n", shape="text/plain; charset=utf-8")
    return Response(200, document or {})


def _health(parts: list[str], request: Request) -> Response:
    kind = "text/plain; charset=utf-8"
    if len(parts) > 1:
        if parts[1] not in _CHECKS:
            raise unknown_path()
        return Response(200, b"ok", kind)
    if "verbose" in request.query:
        lines = [f"[+]{name} ok" for name in _CHECKS]
        return Response(200, "\n".join([*lines, f"{parts[0]} check passed\n"]).encode(), kind)
    return Response(200, b"ok", kind)
