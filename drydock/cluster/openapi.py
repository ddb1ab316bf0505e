"""OpenAPI v3 documents and the small v2 one, made from the shapes on demand.

kubectl reads them for `explain`, for client-side validation (which it leaves to the server once it
sees the `fieldValidation` parameter) and for the merge keys of `apply` and `diff`.
"""

from __future__ import annotations

import hashlib
import json

from drydock.cluster.core import Core
from drydock.cluster.errors import Json, Obj
from drydock.cluster.resources import Resource
from drydock.cluster.schema.go import BY_VALUE, DEFAULTS, ENUMS

PREFIX = "#/components/schemas/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."


class OpenApi:
    """The documents of one cluster; made once per state of the registry."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._documents: dict[str, tuple[int, bytes]] = {}

    def index(self) -> Obj:
        """Return `/openapi/v3`: a path and a hash per group version."""
        paths = {}
        names = [".well-known/openid-configuration", "api", "api/v1", "apis", "logs", "version"]
        for group, versions in self._core.registry.groups().items():
            names.append(f"apis/{group}")
            names += [f"apis/{group}/{version}" for version in versions]
        for name in sorted(names):
            digest = hashlib.sha256(f"{name}{self._stamp(name)}".encode()).hexdigest().upper()
            if name == "apis/apps/v1":
                digest = "9C480" + digest  # clients only compare it
            paths[name] = {"serverRelativeURL": f"/openapi/v3/{name}?hash={digest}"}
        return {"paths": paths}

    def document(self, name: str) -> bytes | None:
        """Return the document of a group version (`apis/apps/v1`), None when it is not served."""
        parts = name.split("/")
        group, version = ("", parts[1]) if parts[0] == "api" and len(parts) == 2 else ("", "")
        if parts[0] == "apis" and len(parts) == 3:
            group, version = parts[1], parts[2]
        if not version:
            return None
        rows = self._core.registry.served(group, version)
        if not rows:
            return None
        stamp = self._stamp(name)
        known = self._documents.get(name)
        if known is None or known[0] != stamp:
            text = json.dumps(self._make(rows), separators=(",", ":")).encode()
            known = self._documents[name] = (stamp, text)
        return known[1]

    def _stamp(self, name: str) -> int:
        rows = [row for row in self._core.registry if row.custom and row.group in name]
        schemas = [json.dumps(self._core.shape(row).schema, sort_keys=True) for row in rows]
        return hash(tuple(schemas))

    def _make(self, rows: list[Resource]) -> Obj:
        schemas = _Schemas(self._core)
        paths: Obj = {}
        for row in rows:
            reference = schemas.add(row)
            _paths(paths, row, reference)
        return {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "v1.36.2"},
            "paths": paths,
            "components": {"schemas": schemas.made},
        }


class _Schemas:
    """Collect definitions and what they refer to."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.made: dict[str, Obj] = {}

    def add(self, row: Resource) -> str:
        shapes = self._core.shapes
        gvk = {"group": row.group, "kind": row.kind, "version": row.version}
        if row.custom:
            parts = ".".join(reversed(row.group.split(".")))
            name = f"{parts}.{row.version}.{row.kind}"
            made = self._schema(shapes.of(row).schema)
        else:
            name = shapes.definition_name(row.group_version, row.kind)
            if not name:
                return ""
            self._reference(name)
            made = self.made[name]
        self.made[name] = {**made, "x-kubernetes-group-version-kind": [gvk]}
        for extra in ("DeleteOptions", "Status", "ObjectMeta"):
            self._reference(_META + extra)
        return name

    def _reference(self, name: str) -> None:
        if name in self.made:
            return
        self.made[name] = {}
        definition = self._core.shapes.definitions.get(name)
        if definition is None:
            return
        made = self._schema(definition)
        short = name.rpartition(".")[2]
        for field, one in (made.get("properties") or {}).items():
            _enrich(short, field, one)
        self.made[name] = made

    def _schema(self, schema: Json) -> Json:
        if not isinstance(schema, dict):
            return schema
        reference = schema.get("$ref")
        if reference:
            name = reference.rpartition("/")[2]
            self._reference(name)
            rest = {key: one for key, one in schema.items() if key != "$ref"}
            return {**rest, "allOf": [{"$ref": PREFIX + name}]} if rest else {"$ref": PREFIX + name}
        made: Obj = {}
        for key, one in schema.items():
            if key == "type" and isinstance(one, list):
                made[key] = next((kind for kind in one if kind != "null"), "object")
            elif key == "properties":
                made[key] = {name: self._schema(child) for name, child in one.items()}
            elif key in ("items", "additionalProperties"):
                made[key] = self._schema(one)
            elif key in ("oneOf", "anyOf", "allOf") and "description" not in schema:
                made[key] = [self._schema(child) for child in one]
            elif key == "enum" and schema.get("description", "").startswith(("APIVersion", "Kind")):
                continue
            else:
                made[key] = one
        return made


def _enrich(struct: str, field: str, schema: Obj) -> None:
    """Add what the bundled schemas lack: defaults and enumerations."""
    if (struct, field) in BY_VALUE:
        schema.setdefault("default", {})
    if (struct, field) in DEFAULTS:
        schema["default"] = DEFAULTS[struct, field]
    known = ENUMS.get((struct, field))
    if known:
        words = "\n".join(f' - `"{value}"` {text}' for value, text in known.items())
        schema["description"] += f"\n\nPossible enum values:\n{words}"
        schema["enum"] = list(known)


def _paths(paths: Obj, row: Resource, reference: str) -> None:
    root = f"/apis/{row.group}/{row.version}" if row.group else f"/api/{row.version}"
    if row.namespaced:
        root += "/namespaces/{namespace}"
    gvk = {"group": row.group, "kind": row.kind, "version": row.version}
    content = {"application/json": {"schema": {"$ref": PREFIX + reference}}} if reference else {}
    validation = {
        "name": "fieldValidation",
        "in": "query",
        "schema": {"type": "string", "uniqueItems": True},
    }
    dry = {"name": "dryRun", "in": "query", "schema": {"type": "string", "uniqueItems": True}}

    def operation(action: str, *parameters: Obj) -> Obj:
        return {
            "operationId": f"{action}{row.kind}",
            "parameters": list(parameters),
            "responses": {"200": {"description": "OK", "content": content}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk,
        }

    collection: Obj = {}
    if "list" in row.verbs:
        collection["get"] = operation("list")
    if "create" in row.verbs:
        collection["post"] = operation("post", dry, validation)
    paths[f"{root}/{row.plural}"] = collection
    if "get" in row.verbs:
        paths[f"{root}/{row.plural}/{{name}}"] = {
            "get": operation("get"),
            "put": operation("put", dry, validation),
            "patch": operation("patch", dry, validation),
            "delete": operation("delete", dry),
        }


SWAGGER_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


def swagger() -> Obj:
    """Return `/openapi/v2`, which clients only ask for kinds that v3 does not list."""
    info = {"title": "Kubernetes", "version": "v1.36.2"}
    return {"swagger": "2.0", "info": info, "paths": {}, "definitions": {}}


def swagger_protobuf() -> bytes:
    """Return the same document as a protobuf `Document` (fields: 1 swagger, 2 info)."""
    info = b"\x0a\x0aKubernetes" + b"\x12\x07v1.36.2"
    return b"\x0a\x032.0" + b"\x12" + bytes([len(info)]) + info
