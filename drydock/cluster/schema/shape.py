"""Typed nodes made from JSON schemas: what a field is, how its lists merge, who owns its items.

Invariant: shapes are made on first use and kept; reading the bundled file costs ten milliseconds, so
nothing is loaded before a request needs it.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, cast

from drydock.cluster.errors import Json, Obj
from drydock.cluster.resources import Resource
from drydock.cluster.schema.go import BY_VALUE, DEFAULTS

VERSION = "v1.36.0"
"""The API version whose answers are recorded and therefore served."""

Type = Literal[
    "struct", "map", "list", "string", "integer", "number", "boolean",
    "bytes", "time", "microtime", "quantity", "int-or-string", "any",
]  # fmt: skip

_SPECIAL: dict[str, Type] = {
    "Quantity": "quantity",
    "IntOrString": "int-or-string",
    "Time": "time",
    "MicroTime": "microtime",
    "FieldsV1": "any",
    "RawExtension": "any",
    "JSON": "any",
    "JSONSchemaPropsOrBool": "any",
    "JSONSchemaPropsOrArray": "any",
    "JSONSchemaPropsOrStringArray": "any",
}


@dataclass(frozen=True)
class Shape:
    """One node. `name` is the Go struct; `schema` the JSON schema of the place it stands at."""

    type: Type
    schema: Obj
    shapes: Shapes
    name: str = ""
    definition: Obj | None = None

    @cached_property
    def properties(self) -> dict[str, Shape]:
        """Return the fields of a struct."""
        source = self.definition if self.definition is not None else self.schema
        return {
            name: self.shapes.shape(one) for name, one in (source.get("properties") or {}).items()
        }

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Return the names of the required fields."""
        source = self.definition if self.definition is not None else self.schema
        return tuple(source.get("required") or ())

    @cached_property
    def items(self) -> Shape:
        """Return the items of a list or the values of a map."""
        if self.type == "list":
            return self.shapes.shape(self.schema.get("items") or {})
        extra = self.schema.get("additionalProperties")
        return self.shapes.shape(extra if isinstance(extra, dict) else {})

    @cached_property
    def list_type(self) -> str:
        """Return atomic, set or map."""
        return str(self.schema.get("x-kubernetes-list-type") or "atomic")

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Return the fields that identify an item of a list map."""
        return tuple(self.schema.get("x-kubernetes-list-map-keys") or ())

    @cached_property
    def atomic(self) -> bool:
        """Say whether a struct or map is owned as a whole."""
        for source in (self.schema, self.definition or {}):
            if source.get("x-kubernetes-map-type") == "atomic":
                return True
        return False

    @cached_property
    def strategies(self) -> frozenset[str]:
        """Return the patch strategies: merge, replace, retainKeys."""
        return frozenset(str(self.schema.get("x-kubernetes-patch-strategy") or "").split(",")) - {
            ""
        }

    @cached_property
    def merge_key(self) -> str:
        """Return the merge key of a strategic merge."""
        return str(self.schema.get("x-kubernetes-patch-merge-key") or "")

    @property
    def preserves_unknown(self) -> bool:
        """Say whether fields without a schema are kept (custom resources only)."""
        return bool(self.schema.get("x-kubernetes-preserve-unknown-fields"))

    def child(self, name: str) -> Shape | None:
        """Return the shape of a field of a struct, or of any value of a map."""
        if self.type == "struct":
            found = self.properties.get(name)
            return found or (self.shapes.anything if self.preserves_unknown else None)
        return self.items if self.type == "map" else self.shapes.anything

    def by_value(self, name: str) -> bool:
        """Say whether Go holds a field by value, so that it is always written."""
        return (self.name, name) in BY_VALUE

    def key_default(self, name: str) -> object:
        """Return the default of a field that is part of a key, else None."""
        found = DEFAULTS.get((self.name, name))
        if found is None:
            child = self.properties.get(name)
            found = child.schema.get("default") if child is not None else None
        return found


class Shapes:
    """The schemas of all kinds."""

    def __init__(self) -> None:
        self._named: dict[str, Shape] = {}
        self._custom: dict[tuple[str, str], Shape] = {}
        self.anything = Shape("any", {}, self)

    @cached_property
    def definitions(self) -> dict[str, Obj]:
        """Return the bundled definitions by their long name."""
        package = importlib.util.find_spec("kubernetes_validate")
        if package is None or package.origin is None:
            raise ModuleNotFoundError(
                "kubernetes-validate is not installed; run `make setup`", name="kubernetes_validate"
            )
        folder = Path(package.origin).parent / "kubernetes-json-schema"
        text = (folder / f"{VERSION}-local" / "_definitions.json").read_text()
        return cast("dict[str, Obj]", json.loads(text)["$defs"])

    @cached_property
    def _kinds(self) -> dict[tuple[str, str], str]:
        found = {}
        for name, one in self.definitions.items():
            for gvk in one.get("x-kubernetes-group-version-kind") or ():
                version = f"{gvk['group']}/{gvk['version']}" if gvk["group"] else gvk["version"]
                found[version, gvk["kind"]] = name
        found["v1", "ResourceQuota"] = "io.k8s.api.core.v1.ResourceQuota"
        return found

    def of(self, resource: Resource) -> Shape:
        """Return the shape of a kind."""
        return self.of_kind(resource.group_version, resource.kind)

    def of_kind(self, group_version: str, kind: str) -> Shape:
        """Return the shape of a kind; one without a schema takes anything."""
        custom = self._custom.get((group_version, kind))
        if custom is not None:
            return custom
        name = self._kinds.get((group_version, kind))
        return self.named(name) if name else self.anything

    def definition_name(self, group_version: str, kind: str) -> str:
        """Return the long name of a kind's definition, empty when it has none."""
        return self._kinds.get((group_version, kind), "")

    def add_custom(self, group_version: str, kind: str, schema: Obj) -> None:
        """Learn the schema of a custom kind (None in `schema` fields keeps anything)."""
        properties = {
            **(schema.get("properties") or {}),
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "$ref": "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
            },
        }
        full = {**schema, "type": "object", "properties": properties}
        self._custom[group_version, kind] = Shape("struct", full, self, name=kind)

    def remove_custom(self, group_version: str, kind: str) -> None:
        """Forget a custom kind."""
        self._custom.pop((group_version, kind), None)

    def named(self, name: str) -> Shape:
        """Return the shape of a definition."""
        if name not in self._named:
            self._named[name] = self.shape({"$ref": f"#/$defs/{name}"})
        return self._named[name]

    def shape(self, schema: Obj) -> Shape:
        """Make the node of a schema."""
        reference = schema.get("$ref")
        if reference:
            name = reference.rpartition("/")[2]
            short = name.rpartition(".")[2]
            if short in _SPECIAL:
                return Shape(_SPECIAL[short], schema, self, name=short)
            definition = self.definitions[name]
            if "properties" not in definition:
                made = self.shape({**definition, **schema, "$ref": None})
                return Shape(made.type, made.schema, self, name=short)
            return Shape("struct", schema, self, name=short, definition=definition)
        return Shape(_type(schema), schema, self)


def _type(schema: Obj) -> Type:
    if schema.get("x-kubernetes-int-or-string"):
        return "int-or-string"
    found: Json = schema.get("type")
    if isinstance(found, list):
        found = next((one for one in found if one != "null"), None)
    if found == "object":
        if schema.get("properties") or schema.get("x-kubernetes-preserve-unknown-fields"):
            return "struct"
        return "map" if "additionalProperties" in schema else "any"
    if found == "array":
        return "list"
    if found == "string":
        if schema.get("format") == "byte":
            return "bytes"
        return "string"
    if found in ("integer", "number", "boolean"):
        return cast("Type", found)
    return "any"
