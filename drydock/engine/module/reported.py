"""`Error`: what a function hands back when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from drydock.engine.field import Call, attributes, field


@dataclass(frozen=True)
class ErrorValue:
    """One named value of an error; JSON."""

    graphql_type: ClassVar[str] = "ErrorValue"
    name: str
    value: str


@dataclass(frozen=True)
class Error:
    """An error that a function returns."""

    graphql_type: ClassVar[str] = "Error"
    message: str
    values: tuple[ErrorValue, ...] = ()


attributes("ErrorValue", "name", "value")
attributes("Error", "message", "values")


@field("Query.error", quiet=True)
def error(_self: object, _call: Call, *, message: str) -> Error:
    """Make an error."""
    return Error(message)


@field("Error.withValue", quiet=True)
def with_value(self: Error, _call: Call, *, name: str, value: str) -> Error:
    """Add a value."""
    return Error(self.message, (*self.values, ErrorValue(name, value)))
