"""Values of custom resources against the schema of their definition."""

from __future__ import annotations

import re

from drydock.cluster.custom.rules import ABSENT, broken
from drydock.cluster.errors import Cause, Json, Obj
from drydock.cluster.schema.shape import Shape
from drydock.cluster.validation.causes import invalid, required, too_long, unsupported


def check(shape: Shape, obj: Obj, replicas: str, old: Obj | None = None) -> list[Cause]:
    """Return what a schema refuses; the last cause says that rules were left unchecked.

    `replicas` is the path of the wished replicas, empty when the kind does not scale; `old` is the object
    before a change.
    """
    causes: list[Cause] = []
    _check(shape.schema, obj, "", causes)
    wish: Json = obj
    for name in filter(None, replicas.split(".")):
        wish = wish.get(name) if isinstance(wish, dict) else None
    if isinstance(wish, str):
        why = f"{replicas} accessor error: {wish} is of the type string, expected int64"
        causes.append(invalid(replicas, 0, why))
    if causes:
        why = (
            "some validation rules were not checked because the object was invalid; correct the"
            " existing errors to complete validation"
        )
        causes.append(invalid("<nil>", None, why))
        return causes
    return _rules(shape.schema, obj, "", ABSENT if old is None else old)


def _rules(schema: Obj, value: Json, path: str, old: Json) -> list[Cause]:
    """Check the rules of a schema and of everything below it."""
    causes = broken(schema.get("x-kubernetes-validations") or [], value, path, old)
    prefix = f"{path}." if path else ""
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        extra = schema.get("additionalProperties")
        properties = schema.get("properties") or {}
        for name, one in value.items():
            below = properties.get(name) or (extra if isinstance(extra, dict) else None)
            if below and "$ref" not in below:
                where = prefix + name if name in properties else f"{path}[{name}]"
                causes += _rules(below, one, where, before.get(name, ABSENT))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            before = _same_item(schema, one, old)
            causes += _rules(schema.get("items") or {}, one, f"{path}[{at}]", before)
    return causes


def _same_item(schema: Obj, item: Json, old: Json) -> Json:
    """Return the item that stood for this one before; only lists that are maps can tell."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return ABSENT
    wanted = [item.get(key) for key in keys]
    return next((one for one in old if [one.get(key) for key in keys] == wanted), ABSENT)


def _check(schema: Obj, value: Json, path: str, causes: list[Cause]) -> None:
    if "$ref" in schema or value is None:
        return
    if not _fits(schema, value):
        kind, given = schema["type"], _kind(value)
        why = f'{path} in body must be of type {kind}: "{given}"'
        causes.append(invalid(path, given, why))
        return
    if "enum" in schema and value not in schema["enum"]:
        causes.append(unsupported(path, value, schema["enum"]))
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        _number(schema, value, path, causes)
    elif isinstance(value, str):
        _text(schema, value, path, causes)
    elif isinstance(value, list):
        _size(schema, value, path, causes)
        for at, one in enumerate(value):
            _check(schema.get("items") or {}, one, f"{path}[{at}]", causes)
    elif isinstance(value, dict):
        prefix = f"{path}." if path else ""
        needed = schema.get("required") or ()
        causes += [required(prefix + name) for name in needed if name not in value]
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        for name, one in value.items():
            below = properties.get(name) or (extra if isinstance(extra, dict) else None)
            if below:
                _check(below, one, prefix + name, causes)


_KINDS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _fits(schema: Obj, value: Json) -> bool:
    kinds = _KINDS.get(str(schema.get("type", "")))
    if kinds is None:
        return True
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next(name for name, kinds in _KINDS.items() if isinstance(value, kinds))


def _number(schema: Obj, value: float, path: str, causes: list[Cause]) -> None:
    if "minimum" in schema and value < schema["minimum"]:
        why = f"{path} in body should be greater than or equal to {schema['minimum']}"
        causes.append(invalid(path, value, why))
    if "maximum" in schema and value > schema["maximum"]:
        why = f"{path} in body should be less than or equal to {schema['maximum']}"
        causes.append(invalid(path, value, why))


def _text(schema: Obj, value: str, path: str, causes: list[Cause]) -> None:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        causes.append(too_long(path, schema["maxLength"]))
        return
    if "minLength" in schema and len(value) < schema["minLength"]:
        why = f"{path} in body should be at least {schema['minLength']} chars long"
        causes.append(invalid(path, value, why))
    if "pattern" in schema and not re.search(schema["pattern"], value):
        causes.append(invalid(path, value, f"{path} in body should match '{schema['pattern']}'"))


def _size(schema: Obj, value: list[Json], path: str, causes: list[Cause]) -> None:
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        text = f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
        causes.append(Cause(path, "FieldValueTooMany", text))
    if "minItems" in schema and len(value) < schema["minItems"]:
        why = f"{path} in body should have at least {schema['minItems']} items"
        causes.append(invalid(path, len(value), why))
