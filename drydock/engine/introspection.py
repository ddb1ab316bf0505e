"""Answers `__schema` and `__type` from the schema's data, once per (schema, query).

Clients introspect when they connect, so the answer is kept in memory and in the state directory: a
whole introspection costs more than the start of the engine. Plain functions over plain data; nothing
here waits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .schema import (
    Argument,
    Directive,
    DirectiveDef,
    EnumValue,
    Field,
    Schema,
    Type,
    TypeRef,
    type_ref,
)

if TYPE_CHECKING:
    from .selection import Selected

_VERSION = 1  # bump when answers change: part of the cache's key


class Introspection:
    """The answers about one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._readers: dict[str, Callable[[Any, str, Mapping[str, Any]], Any]] = {
            "__Schema": self._of_schema,
            "__Type": self._of_type,
            "__Field": self._of_field,
            "__InputValue": self._of_input,
            "__EnumValue": self._of_enum_value,
            "__Directive": self._of_directive,
            "_DirectiveApplication": self._of_application,
            "_DirectiveApplicationArg": self._of_application_arg,
        }

    def root(self, selected: Selected) -> Any:
        """Answer a `__schema` or `__type` selection of the query root."""
        if selected.name == "__schema":
            return self._object("__Schema", self._schema, selected.children or ())
        name = selected.args.get("name")
        if name not in self._schema.types:
            return None
        return self._object("__Type", type_ref(str(name)), selected.children or ())

    def _object(self, type_name: str, value: Any, selections: Sequence[Selected]) -> dict[str, Any]:
        read = self._readers[type_name]
        answer: dict[str, Any] = {}
        for selected in selections:
            if selected.name == "__typename":
                answer[selected.alias] = type_name
                continue
            found = read(value, selected.name, selected.args)
            if selected.children is not None and selected.field is not None:
                base = selected.field.ref.base
                if isinstance(found, list):
                    found = [self._object(base, item, selected.children) for item in found]
                elif found is not None:
                    found = self._object(base, found, selected.children)
            answer[selected.alias] = found
        return answer

    def _of_schema(self, schema: Schema, name: str, _: Mapping[str, Any]) -> Any:
        match name:
            case "types":
                return [type_ref(found) for found in schema.types]
            case "directives":
                return list(schema.directives.values())
            case "queryType":
                return type_ref("Query")
            case "description":
                return ""
        return None  # mutationType, subscriptionType

    def _of_type(self, ref: TypeRef, name: str, args: Mapping[str, Any]) -> Any:
        found = self._schema.types[ref.name] if ref.kind == "NAMED" else None
        kind = found.kind if found else ref.kind
        match name:
            case "kind":
                return kind
            case "name":
                return found.name if found else None
            case "ofType":
                return ref.of
        if found is None:
            return "" if name == "description" else None if name == "specifiedByURL" else []
        return self._of_named(found, kind, name, args)

    def _of_named(self, found: Type, kind: str, name: str, args: Mapping[str, Any]) -> Any:
        match name:
            case "description":
                return found.description
            case "fields":
                composite = kind in {"OBJECT", "INTERFACE"}
                return _current(found.fields.values(), args) if composite else []
            case "inputFields":
                return _current(found.inputs.values(), args)
            case "enumValues":
                return _current(found.values.values(), args)
            case "interfaces":
                return [type_ref(interface) for interface in found.interfaces]
            case "possibleTypes":
                abstract = kind in {"INTERFACE", "UNION"}
                names = sorted(self._schema.possible(found.name)) if abstract else []
                return [type_ref(possible) for possible in names]
            case "directives":
                return list(found.directives)
        return None  # specifiedByURL

    def _of_field(self, found: Field, name: str, args: Mapping[str, Any]) -> Any:
        match name:
            case "type":
                return found.ref
            case "args":
                return _current(found.args.values(), args)
        return _common(found, name)

    def _of_input(self, found: Argument, name: str, _: Mapping[str, Any]) -> Any:
        match name:
            case "type":
                return found.ref
            case "defaultValue":
                return found.default
        return _common(found, name)

    def _of_enum_value(self, found: EnumValue, name: str, _: Mapping[str, Any]) -> Any:
        return _common(found, name)

    def _of_directive(self, found: DirectiveDef, name: str, args: Mapping[str, Any]) -> Any:
        match name:
            case "args":
                return _current(found.args.values(), args)
            case "locations":
                return list(found.locations)
        return getattr(found, name)

    def _of_application(self, found: Directive, name: str, _: Mapping[str, Any]) -> Any:
        return list(found.args) if name == "args" else found.name

    def _of_application_arg(self, found: tuple[str, str], name: str, _: Mapping[str, Any]) -> Any:
        return found[0] if name == "name" else found[1]


def _common(found: Field | Argument | EnumValue, name: str) -> Any:
    match name:
        case "isDeprecated":
            return found.deprecated is not None
        case "deprecationReason":
            return found.deprecated
        case "directives":
            reason = found.deprecated
            applied = list(found.directives)
            if reason is not None:
                applied.append(Directive("deprecated", (("reason", json.dumps(reason)),)))
            return applied
    return getattr(found, name)


def _current(items: Any, args: Mapping[str, Any]) -> list[Any]:
    """Leave out what is deprecated, unless asked for."""
    return [item for item in items if args.get("includeDeprecated") or item.deprecated is None]


class IntrospectionCache:
    """Whole answers by (schema, query, variables), kept in a directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: dict[str, dict[str, Any]] = {}

    def key(self, schema: Schema, query: str, variables: Mapping[str, Any]) -> str:
        """Return the name of an answer."""
        parts = json.dumps([_VERSION, schema.digest, query, variables], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()[:40]

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a kept answer."""
        if key not in self._memory:
            path = self._folder / f"introspection-{key}.json"
            if not path.is_file():
                return None
            self._memory[key] = json.loads(path.read_text())
        return self._memory[key]

    def put(self, key: str, answer: dict[str, Any]) -> None:
        """Keep an answer."""
        self._memory[key] = answer
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"introspection-{key}.json"
        partial = path.with_suffix(f".{id(answer)}.tmp")
        partial.write_text(json.dumps(answer))
        partial.replace(path)
