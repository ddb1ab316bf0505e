"""Settings of a plan, read key by key, so that a mistake is told by its place, key and what is allowed.

The invariant: a value that leaves this module has the type and the bounds it says, and a key that nobody
asked for is an error, because it is nearly always a misspelt one.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import cast

from delivery.errors import PlanError

PATH = r"/[!-~]*"
PATH_MEANING = "a path that starts with /"


class Settings:
    """A mapping of the plan; `where` names it in messages."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
            raise PlanError(f"{where} is {values!r}, not a mapping")
        self.where = where
        self._values = cast(Mapping[str, object], values)
        self._asked: list[str] = []

    def error(self, key: str, problem: str) -> PlanError:
        """Make the error for one key."""
        return PlanError(f"{self.where}.{key} {problem}")

    def has(self, key: str) -> bool:
        """Tell whether a key is given; null is as good as absent."""
        self._asked.append(key)
        return self._values.get(key) is not None

    def text(
        self,
        key: str,
        default: str | None = None,
        *,
        pattern: str = r"(?s).+",
        meaning: str = "text",
    ) -> str:
        """Read a string that matches a pattern as a whole."""
        value = self._value(key, default, meaning)
        if not isinstance(value, str) or (self.has(key) and not re.fullmatch(pattern, value)):
            raise self.error(key, f"is {value!r}, not {meaning}")
        return value

    def path(self, key: str, default: str | None = None) -> str:
        """Read a path of an address."""
        return self.text(key, default, pattern=PATH, meaning=PATH_MEANING)

    def number(self, key: str, default: float | None = None, *, low: float, high: float) -> float:
        """Read a number within bounds, both included."""
        meaning = f"a number from {low:g} to {high:g}"
        value = self._value(key, default, meaning)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise self.error(key, f"is {value!r}, not {meaning}")
        return float(value)

    def whole(self, key: str, default: int | None = None, *, low: int, high: int) -> int:
        """Read a whole number within bounds, both included."""
        meaning = f"a whole number from {low} to {high}"
        value = self._value(key, default, meaning)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(key, f"is {value!r}, not {meaning}")
        return value

    def choice(self, key: str, allowed: Iterable[str], default: str | None = None) -> str:
        """Read one of the allowed strings."""
        names = list(allowed)
        value = self._value(key, default, f"one of {', '.join(names)}")
        if value not in names:
            raise self.error(key, f"is {value!r}, not one of {', '.join(names)}")
        return str(value)

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Read a list of strings with at least one element."""
        meaning = "a list of texts"
        value = self._value(key, default, meaning)
        if value is default and default is not None:
            return default
        if not isinstance(value, list) or not value or not all(_is_text(each) for each in value):
            raise self.error(key, f"is {value!r}, not {meaning}")
        return tuple(value)

    def pairs(self, key: str) -> Mapping[str, str]:
        """Read a mapping of strings that may be absent."""
        if not self.has(key):
            return {}
        value = self._values[key]
        if not isinstance(value, dict) or not all(
            _is_text(name) and isinstance(text, str) for name, text in value.items()
        ):
            raise self.error(key, f"is {value!r}, not a mapping of texts")
        return dict(value)

    def section(self, key: str) -> "Settings":
        """Read a mapping below a key; an empty one when it is absent."""
        return Settings(self._values[key] if self.has(key) else {}, f"{self.where}.{key}")

    def finish(self) -> None:
        """Refuse the keys that were not asked for."""
        for key in self._values:
            if key not in self._asked:
                near = get_close_matches(key, self._asked, n=1)
                hint = f", did you mean {near[0]!r}?" if near else "."
                known = ", ".join(sorted(set(self._asked)))
                raise self.error(key, f"is no key that is known here{hint} Allowed: {known}")

    def _value(self, key: str, default: object, meaning: str) -> object:
        if self.has(key):
            return self._values[key]
        if default is None:
            raise self.error(key, f"is missing, give {meaning}")
        return default


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
