"""Argument values: from literals and variables to what resolvers get, with a real engine's words for errors.

Runs over the whole operation before anything is resolved, so a wrong value anywhere means that nothing
ran. Ids are checked here (form and type) and loaded later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import CoercionError
from .schema import Argument, Schema, TypeRef

if TYPE_CHECKING:
    from .node import Nodes

_GO = "github.com/dagger/dagger"
_GO_ENUMS = {"ReturnType": "ReturnTypes"}
_OS = {"linux", "windows", "darwin", "freebsd", "js", "wasip1", "android", "ios", "solaris", "aix"}
_ARCHITECTURES = {
    "386",
    "amd64",
    "arm",
    "arm64",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mipsle",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390x",
    "wasm",
}
_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm"}
_COMPONENT = re.compile(r"^[A-Za-z0-9_.-]+$")
_OS_COMPONENT = r"^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.-]*)\\))?$"


class EnumLiteral(str):
    """An enum member written in the document (not a string)."""

    __slots__ = ()


class Number(str):
    """A number as it came in the variables; Go calls it json.Number."""

    __slots__ = ()


def go_type(value: Any) -> str:
    """Return how Go's %T prints a decoded value."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Number):
        return "json.Number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "int64"
    if isinstance(value, float):
        return "float64"
    return "[]interface {}" if isinstance(value, list) else "map[string]interface {}"


class Coercer:
    """Turns values into what a type wants; `nodes` knows which ids exist."""

    def __init__(self, schema: Schema, nodes: Nodes) -> None:
        self._schema = schema
        self._nodes = nodes

    def argument(self, field_name: str, argument: Argument, value: Any) -> Any:
        """Return the coerced value of one argument; CoercionError names field, argument and types."""
        try:
            return self._value(argument.ref, value, argument.expected_type)
        except CoercionError as error:
            wrapper = self._wrapper(argument)
            raise CoercionError(
                f'parse selections: parse field "{field_name}": init arg "{argument.name}" value '
                f"as {wrapper} ({argument.type}) using {wrapper}: {error.message}"
            ) from None

    def _value(self, ref: TypeRef, value: Any, expected: str | None) -> Any:
        if ref.kind == "NON_NULL" and ref.of is not None:
            if value is None and ref.of.kind == "NAMED":
                raise CoercionError(f"cannot create {self._scalar_name(ref.of)} from <nil>")
            return [] if value is None else self._value(ref.of, value, expected)
        if value is None:
            return None
        if ref.kind == "LIST" and ref.of is not None:
            return [self._value(ref.of, item, expected) for item in _items(value)]
        return self._named(ref.name, value, expected)

    def _named(self, name: str, value: Any, expected: str | None) -> Any:
        match name:
            case "String":
                return _text(name, value)
            case "Int":
                return _integer(value)
            case "Float":
                return _float(value)
            case "Boolean":
                return _boolean(value)
            case "ID":
                return self._id(value, expected)
            case "Platform":
                return platform(_text(name, value))
            case "JSON":
                return _json(value)
        found = self._schema.types[name]
        if found.kind == "ENUM":
            if not isinstance(value, str) or value not in found.values:
                shown = json.dumps(str(value))
                raise CoercionError(
                    f"invalid enum member {shown} for core.{_GO_ENUMS.get(name, name)}"
                )
            return str(value)
        if found.kind == "INPUT_OBJECT":
            return self._input(name, value)
        return _text(name, value)

    def _input(self, name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise CoercionError(f"cannot create {name} from {go_type(value)}")
        inputs = self._schema.types[name].inputs
        for given in value:
            if given not in inputs:
                raise CoercionError(f"unknown input field: {given!r}")
        built: dict[str, Any] = {}
        for key, definition in inputs.items():
            if key in value:
                built[key] = self._value(definition.ref, value[key], definition.expected_type)
            elif definition.default is not None:
                built[key] = self._value(definition.ref, literal(definition.default), None)
            elif definition.required:
                raise CoercionError(f"missing required input field {key!r}")
            else:
                built[key] = None
        return built

    def _id(self, value: Any, expected: str | None) -> str:
        text = _text("ID", value)
        if not text:
            return ""  # as if it had not been given
        recipe = self._nodes.decode(text)
        if expected and not self._schema.is_a(recipe.type, expected):
            raise CoercionError(f'expected "{expected}" ID, got {recipe.type}! ID')
        return text

    def _scalar_name(self, ref: TypeRef) -> str:
        return ref.name

    def _wrapper(self, argument: Argument) -> str:
        """Return the Go type that a real engine names for an argument."""
        ref = argument.ref
        if ref.nullable.kind == "LIST":
            return "dagql.DynamicArrayInput" if ref.kind == "NON_NULL" else "dagql.DynamicOptional"
        name = self._go_name(ref.base, argument.expected_type)
        if ref.kind == "NON_NULL":
            return name
        if argument.default is not None:
            return "dagql.DynamicOptional"
        return f"dagql.Optional[{_GO}/{name}]"

    def _go_name(self, name: str, expected: str | None) -> str:
        if name == "ID":
            return f"dagql.ID[*{_GO}/core.{expected}]" if expected else "dagql.AnyID"
        if name in {"String", "Int", "Float", "Boolean"}:
            return f"dagql.{name}"
        return f"core.{_GO_ENUMS.get(name, name)}"


def literal(text: str) -> Any:
    """Return the value of a GraphQL literal without variables (a schema default)."""
    from graphql.language import parse_value

    return value_of(parse_value(text, no_location=True), {})


def value_of(node: Any, variables: Mapping[str, Any]) -> Any:
    """Return the plain value of a literal; absent variables become None."""
    match node.kind:
        case "variable":
            return variables.get(node.name.value)
        case "null_value":
            return None
        case "int_value":
            return int(node.value)
        case "float_value":
            return float(node.value)
        case "enum_value":
            return EnumLiteral(node.value)
        case "list_value":
            return [value_of(item, variables) for item in node.values]
        case "object_value":
            return {item.name.value: value_of(item.value, variables) for item in node.fields}
    return node.value  # string_value, boolean_value


def numbers_marked(value: Any) -> Any:
    """Mark the numbers of decoded JSON variables, because errors call them by another name."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return Number(json.dumps(value))
    if isinstance(value, list):
        return [numbers_marked(item) for item in value]
    return {key: numbers_marked(item) for key, item in value.items()}


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, str) and not isinstance(value, Number):
        # A string is read as JSON, as a real engine does.
        try:
            decoded = json.loads(value)
        except ValueError:
            shown = json.dumps(str(value), ensure_ascii=False)
            stripped = value.strip()
            if not stripped:
                raise CoercionError(f"decode {shown}: EOF") from None
            raise CoercionError(
                f"decode {shown}: invalid character '{stripped[0]}' looking for beginning of value"
            ) from None
        if isinstance(decoded, list):
            return decoded
    raise CoercionError(f"cannot create Array from {go_type(value)}")


def _text(name: str, value: Any) -> str:
    if isinstance(value, str) and not isinstance(value, Number | EnumLiteral):
        return value
    if isinstance(value, EnumLiteral):
        return str(value)
    raise CoercionError(f"cannot create {name} from {go_type(value)}")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        raise CoercionError(f"cannot create Int from {go_type(value)}")
    try:
        return int(value)
    except ValueError:
        shown = json.dumps(str(value))
        raise CoercionError(f"strconv.ParseInt: parsing {shown}: invalid syntax") from None


def _float(value: Any) -> float:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        raise CoercionError(f"cannot create Float from {go_type(value)}")
    try:
        return float(value)
    except ValueError:
        shown = json.dumps(str(value))
        raise CoercionError(f"strconv.ParseFloat: parsing {shown}: invalid syntax") from None


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and not isinstance(value, Number | EnumLiteral):
        if value in {"1", "t", "T", "true", "TRUE", "True"}:
            return True
        if value in {"0", "f", "F", "false", "FALSE", "False"}:
            return False
        raise CoercionError(f"strconv.ParseBool: parsing {json.dumps(value)}: invalid syntax")
    raise CoercionError(f"cannot create Boolean from {go_type(value)}")


def _json(value: Any) -> str:
    if isinstance(value, str) and not isinstance(value, Number | EnumLiteral):
        return value
    raise CoercionError(f"cannot create JSON from {go_type(value)}")


def platform(text: str) -> str:
    """Return a platform in its normal form (`linux/amd64`); CoercionError for what is none."""
    parts = text.split("/")
    shown = json.dumps(text)
    if not re.match(r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?$", parts[0]):
        raise CoercionError(
            f"{json.dumps(parts[0])} is an invalid OS component of {shown}: OSAndVersion specifier "
            f'component must match "{_OS_COMPONENT}": invalid argument'
        )
    for part in parts[1:]:
        if not _COMPONENT.match(part):
            raise CoercionError(
                f"{json.dumps(part)} is an invalid component of {shown}: platform specifier "
                'component must match "^[A-Za-z0-9_.-]+$": invalid argument'
            )
    lowered = [part.lower() for part in parts]
    if len(lowered) == 1:
        name = _ALIASES.get(lowered[0], lowered[0])
        if name in _OS:
            return f"{name}/amd64"
        if name in _ARCHITECTURES:
            return f"linux/{name}"
        raise CoercionError(f"{shown}: unknown operating system or architecture: invalid argument")
    lowered[1] = _ALIASES.get(lowered[1], lowered[1])
    if len(lowered) > 3:
        raise CoercionError(f"{shown}: cannot parse platform specifier: invalid argument")
    return "/".join(lowered)
