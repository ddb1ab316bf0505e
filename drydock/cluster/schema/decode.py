"""Read a body along its shape and bring it into the one form that is stored.

Called for every object that enters the API. `decode` refuses wrong types with the words of Go's
decoder, collects unknown and duplicate fields, and drops what a struct would not keep; `normal`
does the last part alone. Invariant: `normal(shape, x)` is idempotent and never shares a container
with its input.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drydock.cluster.errors import Json, Obj
from drydock.cluster.quantity import QuantityError, parse
from drydock.cluster.schema.go import ALWAYS, OPTIONAL, POINTERS
from drydock.cluster.schema.shape import Shape

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_GO_TYPES = {"string": "string", "boolean": "bool", "number": "float64", "bytes": "[]uint8"}
_JSON_NAMES = {
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_NEVER_FILLED = OPTIONAL | POINTERS
_ZERO = {"string": "", "integer": 0, "number": 0, "boolean": False, "list": None, "bytes": None}


class DecodeError(ValueError):
    """The body does not fit the types of its kind; the text is what Go's decoder says.

    `conversion` is what the converter of strategic patches says instead.
    """

    def __init__(self, message: str, conversion: str = "") -> None:
        super().__init__(message)
        self.conversion = conversion or message


@dataclass
class Decoded:
    """A normalised object and the paths of what was not understood."""

    value: Obj
    unknown: list[str] = field(default_factory=list)


def decode(shape: Shape, value: Obj) -> Decoded:
    """Check and normalise a whole object; raises DecodeError."""
    reader = _Reader()
    found = reader.struct(shape, value, [], "")
    return Decoded(found, reader.unknown)


def normal(shape: Shape, value: Obj) -> Obj:
    """Normalise an object that is known to fit its types; unknown fields are dropped."""
    return _Reader().struct(shape, value, [], "")


class _Reader:
    def __init__(self) -> None:
        self.unknown: list[str] = []

    def read(self, shape: Shape, value: Json, names: list[str], where: str, owner: str) -> Json:
        kind = shape.type
        if kind == "struct":
            if not isinstance(value, dict):
                raise _mismatch(value, names, owner, f"v1.{shape.name}" if shape.name else "map")
            return self.struct(shape, value, names, where)
        if kind == "map":
            if not isinstance(value, dict):
                raise _mismatch(value, names, owner, "map[string]string")
            items = shape.items
            return (
                {
                    str(key): self.read(items, one, names, f"{where}.{key}", owner)
                    for key, one in value.items()
                    if one is not None or items.type == "any"
                }
                if not (items.type == "string" and None in value.values())
                else {
                    str(key): "" if one is None else self.read(items, one, names, where, owner)
                    for key, one in value.items()
                }
            )
        if kind == "list":
            if not isinstance(value, list):
                raise _mismatch(value, names, owner, f"[]{_go(shape.items)}")
            return [
                self.read(shape.items, one, names, f"{where}[{at}]", owner)
                for at, one in enumerate(value)
            ]
        return _scalar(shape, value, names, owner)

    def struct(self, shape: Shape, value: Obj, names: list[str], where: str) -> Obj:
        made: Obj = {}
        custom = shape.definition is None
        for key, one in value.items():
            child = shape.child(key)
            path = f"{where}.{key}" if where else key
            if child is None:
                self.unknown.append(path)
                continue
            if one is None and not custom:
                continue
            if one is None and child.schema.get("nullable"):
                made[key] = None
                continue
            if one is None:
                if child.type == "any":
                    made[key] = None
                continue
            try:
                read = self.read(child, one, [*names, key], path, shape.name)
            except DecodeError:
                if not custom:
                    raise
                read = _copy(one)  # the rules of the definition word this one
            if custom or not _vanishes(shape, key, child, read):
                made[key] = read
        if not custom:
            self._fill(shape, made)
        return made

    def _fill(self, shape: Shape, made: Obj) -> None:
        for name, child in shape.properties.items():
            if name in made:
                continue
            if shape.by_value(name):
                made[name] = self.struct(child, {}, [], "") if child.type == "struct" else {}
            elif (shape.name, name) in ALWAYS:
                made[name] = ALWAYS[shape.name, name]
            elif (
                name in shape.required
                and child.type in _ZERO
                and (shape.name, name) not in _NEVER_FILLED
            ):
                made[name] = _ZERO[child.type]


def _vanishes(shape: Shape, name: str, child: Shape, value: object) -> bool:
    """Say whether Go leaves a field out because it holds the zero value of its type."""
    if value is None or value is True:
        return False
    if child.type in ("list", "map"):
        return not value and name not in shape.required and (shape.name, name) not in ALWAYS
    if value in ("", 0) and child.type in ("string", "integer", "boolean", "bytes", "number"):
        return (
            (shape.name, name) not in POINTERS
            and (shape.name, name) not in ALWAYS
            and (name not in shape.required or (shape.name, name) in OPTIONAL)
        )
    return False


def _scalar(shape: Shape, value: Json, names: list[str], owner: str) -> Json:
    kind = shape.type
    if kind == "any":
        return _copy(value)
    if kind == "string":
        if not isinstance(value, str):
            raise _mismatch(value, names, owner, "string")
        return value
    if kind == "integer":
        size = shape.schema.get("format") or "int64"
        if isinstance(value, bool) or not isinstance(value, int):
            if isinstance(value, float) and value.is_integer():
                return int(value)
            raise _mismatch(value, names, owner, size)
        if size == "int32" and not -(2**31) <= value < 2**31:
            raise _mismatch(value, names, owner, size, f"number {value}")
        return value
    if kind == "boolean":
        if not isinstance(value, bool):
            raise _mismatch(value, names, owner, "bool")
        return value
    if kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _mismatch(value, names, owner, "float64")
        return value
    if kind == "quantity":
        return _quantity(value)
    if kind == "int-or-string":
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise DecodeError(
                "json: cannot unmarshal " + _name(value) + " into Go value of type string"
            )
        return value
    if kind == "bytes":
        return _bytes(value, names, owner)
    return _moment(kind, value)


def _quantity(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DecodeError(str(QuantityError()))
    text = str(value).strip()
    if isinstance(value, float):
        text = repr(value)
        if "e" in text:
            text = f"{value:.20f}".rstrip("0")
    try:
        return str(parse(text))
    except QuantityError as error:
        raise DecodeError(str(error)) from error


def _bytes(value: object, names: list[str], owner: str) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, names, owner, "[]uint8")
    text = value.replace("\n", "").replace("\r", "")
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except (binascii.Error, ValueError):
        alphabet = re.match(r"[A-Za-z0-9+/]*", text)
        at = alphabet.end() if alphabet else 0
        raise DecodeError(f"illegal base64 data at input byte {at}") from None


def _moment(kind: str, value: object) -> str:
    if not isinstance(value, str):
        raise DecodeError(f"json: cannot unmarshal {_name(value)} into Go value of type string")
    micro = kind == "microtime"
    layout = "2006-01-02T15:04:05.000000Z07:00" if micro else "2006-01-02T15:04:05Z07:00"
    if (_MICRO if micro else _TIME).fullmatch(value) is None:
        rest = value
        found = re.match(r"(\d{4}-\d\d-\d\d)?(T\d\d:\d\d:\d\d)?", value)
        if found:
            rest = value[found.end() :]
            wanted = (
                "2006"
                if not found[1]
                else "T" if not found[2] else ".000000" if micro else "Z07:00"
            )
        else:
            wanted = "2006"
        raise DecodeError(
            f'parsing time "{value}" as "{layout}": cannot parse "{rest}" as "{wanted}"'
        )
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def _mismatch(
    value: object, names: list[str], owner: str, wanted: str, shown: str = ""
) -> DecodeError:
    path = ".".join([owner, *names]) if owner else ".".join(names)
    kind = {bool: "bool", int: "int64", float: "float64", str: "string"}.get(type(value), "map")
    return DecodeError(
        f"json: cannot unmarshal {shown or _name(value)} into Go struct field {path} of type {wanted}",
        f"cannot convert {kind} to {wanted}",
    )


def _go(shape: Shape) -> str:
    if shape.type == "integer":
        return str(shape.schema.get("format") or "int64")
    return _GO_TYPES.get(shape.type, f"v1.{shape.name}" if shape.name else "map[string]string")


def _name(value: object) -> str:
    return next((name for kind, name in _JSON_NAMES.items() if type(value) is kind), "null")


def _copy(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_copy(one) for one in value]
    return value
