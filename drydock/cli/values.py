"""Plain values of flags: text from the command line to a Python value, and the complaint when it does not fit.

Used by `flags.py` for the program's own flags and by `arguments.py` for the arguments of functions. The wording of the
complaints is that of the real command line, which people and scripts know.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

Parser = Callable[[str], Any]

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
_INT_LIMIT = 2**63


class FlagValueError(ValueError):
    """A flag's text is no value of the flag's type."""


def parse_bool(text: str) -> bool:
    """Read a truth value."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise FlagValueError(f"strconv.ParseBool: parsing {_quote(text)}: invalid syntax")


def parse_int(text: str, function: str = "ParseInt") -> int:
    """Read an integer of 64 bits."""
    try:
        number = int(text, 0)
    except ValueError:
        try:
            number = int(text)  # leading zeros
        except ValueError:
            raise FlagValueError(
                f"strconv.{function}: parsing {_quote(text)}: invalid syntax"
            ) from None
    if not -_INT_LIMIT <= number < _INT_LIMIT:
        raise FlagValueError(f"strconv.{function}: parsing {_quote(text)}: value out of range")
    return number


def parse_float(text: str) -> float:
    """Read a float."""
    try:
        return float(text)
    except ValueError:
        raise FlagValueError(
            f"strconv.ParseFloat: parsing {_quote(text)}: invalid syntax"
        ) from None


def parse_text(text: str) -> str:
    """Take a text as it is."""
    return text


def member_of(members: list[str]) -> Parser:
    """Make a parser for an enum; any case of a member's name will do."""
    by_name = {member.upper(): member for member in members}

    def parse(text: str) -> str:
        try:
            return by_name[text.upper()]
        except KeyError:
            raise FlagValueError(f"value should be one of {','.join(sorted(members))}") from None

    return parse


def list_of(element: Parser) -> Parser:
    """Make a parser for a line of comma separated elements; quotes protect commas."""

    def parse(text: str) -> list[Any]:
        return [element(part) for part in split(text)]

    return parse


def split(text: str) -> list[str]:
    """Split a comma separated line."""
    if not text:
        return []
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise FlagValueError(f"parse error: {error}") from None
    return rows[0] if rows else []


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
