"""`JSONValue`: a JSON value that can be taken apart and put together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field

from .file import File

_GO_KINDS: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True)
class JSONValue:
    """A value, as its JSON text: keys sorted, no blanks."""

    graphql_type: ClassVar[str] = "JSONValue"
    text: str = "null"

    @classmethod
    def of(cls, value: Any) -> JSONValue:
        """Make one of a decoded value."""
        return cls(dump(value))

    @property
    def value(self) -> Any:
        """Return the decoded value."""
        return json.loads(self.text)


def dump(value: Any, indent: str | None = None) -> str:
    """Return JSON as Go writes it: sorted keys, `<`, `>` and `&` escaped."""
    text = json.dumps(
        value,
        sort_keys=True,
        ensure_ascii=False,
        indent=indent,
        separators=(",", ": ") if indent is not None else (",", ":"),
    )
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def load(text: str) -> Any:
    """Decode JSON; EngineError in Go's words."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise EngineError(f"invalid JSON: {_go_message(error)}") from None


def _go_message(error: json.JSONDecodeError) -> str:
    rest = error.doc[error.pos :]
    stripped = rest.lstrip()
    if not stripped or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    where = {
        "Expecting value": "looking for beginning of value",
        "Expecting property name enclosed in double quotes": (
            "looking for beginning of object key string"
        ),
        "Expecting ':' delimiter": "after object key",
        "Expecting ',' delimiter": "after array element",
        "Extra data": "after top-level value",
    }.get(error.msg, "looking for beginning of value")
    if error.msg == "Expecting ',' delimiter" and _in_object(error.doc[: error.pos]):
        where = "after object key:value pair"
    return f"invalid character '{stripped[0]}' {where}"


def _in_object(text: str) -> bool:
    """Return whether the innermost bracket that is open is a brace (strings are not looked into)."""
    open_brackets = []
    for char in text:
        if char in "[{":
            open_brackets.append(char)
        elif char in "]}" and open_brackets:
            open_brackets.pop()
    return bool(open_brackets) and open_brackets[-1] == "{"


@field("Query.json", quiet=True)
def json_(_: object, __: Call) -> JSONValue:
    """Return null."""
    return JSONValue()


@field("File.asJSON")
async def as_json(self: File, call: Call) -> JSONValue:
    """Read a file's value."""
    return JSONValue.of(load((await self.read(call.runtime)).decode(errors="replace")))


@field("JSONValue.contents")
def contents(self: JSONValue, _: Call, *, pretty: bool, indent: str) -> str:
    """Return the text, over several lines if `pretty`."""
    return dump(self.value, indent) if pretty else self.text


@field("JSONValue.withContents")
def with_contents(self: JSONValue, _: Call, *, contents: str) -> JSONValue:  # noqa: ARG001
    """Return another value."""
    return JSONValue.of(load(contents))


def _typed(self: JSONValue, kinds: type | tuple[type, ...], go_type: str) -> Any:
    value = self.value
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if value is None:
        return {"int": 0, "string": "", "bool": False}.get(go_type, [])
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        found = _GO_KINDS[type(value)]
        if found == "number" and go_type == "int":
            found = f"number {self.text}"
        raise EngineError(f"json: cannot unmarshal {found} into Go value of type {go_type}")
    return value


@field("JSONValue.asString")
def as_string(self: JSONValue, _: Call) -> str:
    """Return the string."""
    return str(_typed(self, str, "string"))


@field("JSONValue.asInteger")
def as_integer(self: JSONValue, _: Call) -> int:
    """Return the integer."""
    return int(_typed(self, int, "int"))


@field("JSONValue.asBoolean")
def as_boolean(self: JSONValue, _: Call) -> bool:
    """Return the boolean."""
    return bool(_typed(self, bool, "bool"))


@field("JSONValue.asArray")
def as_array(self: JSONValue, _: Call) -> list[JSONValue]:
    """Return the items."""
    return [JSONValue.of(item) for item in _typed(self, list, "[]json.RawMessage")]


@field("JSONValue.fields")
def fields(self: JSONValue, _: Call) -> list[str]:
    """Return the keys of an object."""
    return sorted(_object(self.value))


@field("JSONValue.field")
def field_(self: JSONValue, _: Call, *, path: list[str]) -> JSONValue:
    """Return what lies at a path of keys."""
    value = self.value
    for key in path:
        found = _object(value)
        if key not in found:
            raise EngineError(f"no such field: '{key}'")
        value = found[key]
    return JSONValue.of(value)


@field("JSONValue.withField")
def with_field(self: JSONValue, _: Call, *, path: list[str], value: JSONValue) -> JSONValue:
    """Set what lies at a path of keys, making objects on the way."""
    if not path:
        return value
    whole = self.value if isinstance(self.value, dict) else {}
    here = whole
    for key in path[:-1]:
        inner = here.get(key)
        if not isinstance(inner, dict):
            inner = here[key] = {}
        here = inner
    here[path[-1]] = value.value
    return JSONValue.of(whole)


@field("JSONValue.newString")
def new_string(_: JSONValue, __: Call, *, value: str) -> JSONValue:
    """Return a string."""
    return JSONValue.of(value)


@field("JSONValue.newInteger")
def new_integer(_: JSONValue, __: Call, *, value: int) -> JSONValue:
    """Return an integer."""
    return JSONValue.of(value)


@field("JSONValue.newBoolean")
def new_boolean(_: JSONValue, __: Call, *, value: bool) -> JSONValue:
    """Return a boolean."""
    return JSONValue.of(value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EngineError("value is not an object")
    return value
