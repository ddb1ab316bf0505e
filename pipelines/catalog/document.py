"""Reading a YAML document key by key, so that a mistake is told by file, key and allowed values.

Used by the catalogue and for a service's accepted findings. The invariant: a value that leaves this module has the type it says,
and a key that nobody asked for is an error, because it is nearly always a misspelt one.
"""

import datetime
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import cast

import yaml


class DocumentError(ValueError):
    """A document does not say what it must; the message names file, key and what is allowed."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        where = f"{file}: {key}" if key else file
        super().__init__(f"{where}: {problem}")
        self.file, self.key, self.problem = file, key, problem


class Document:
    """A mapping of a YAML file, read strictly."""

    def __init__(self, file: str, values: Mapping[str, object], prefix: str = "") -> None:
        self._file = file
        self._values = values
        self._prefix = prefix
        self._asked: list[str] = []

    @classmethod
    def parse(cls, file: str, text: str) -> "Document":
        """Read the text of a file whose top is a mapping."""
        try:
            values = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f"line {mark.line + 1}: " if mark else ""
            problem = getattr(error, "problem", None) or "unreadable"
            raise DocumentError(file, "", f"{line}not valid YAML: {problem}") from error
        return cls(file, cls._mapping(file, "", values))

    def error(self, key: str, problem: str) -> DocumentError:
        """Make the error for one key."""
        return DocumentError(self._file, self._prefix + key, problem)

    def has(self, key: str) -> bool:
        """Tell whether a key is given."""
        self._asked.append(key)
        return key in self._values

    def raw(self, key: str) -> object:
        """Give a value as it stands there; for keys whose form was asked for before."""
        return self._values[key]

    def text(self, key: str, *, pattern: str = r".+", meaning: str = "text") -> str:
        """Read a string that matches a pattern as a whole."""
        value = self._required(key, meaning)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.error(key, f"{value!r} is not {meaning}")
        return value

    def optional_text(self, key: str, *, pattern: str = r".+", meaning: str = "text") -> str | None:
        """Read a string that may be absent."""
        return self.text(key, pattern=pattern, meaning=meaning) if self.has(key) else None

    def number(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        """Read a whole number within bounds, both included."""
        meaning = f"a whole number from {low} to {high}"
        value = self._required(key, meaning) if default is None or self.has(key) else default
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(key, f"{value!r} is not {meaning}")
        return value

    def decimal(self, key: str, *, low: float, high: float) -> float:
        """Read a number within bounds, both included."""
        meaning = f"a number from {low:g} to {high:g}"
        value = self._required(key, meaning)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise self.error(key, f"{value!r} is not {meaning}")
        return float(value)

    def choice(self, key: str, allowed: Iterable[str], *, default: str | None = None) -> str:
        """Read one of the allowed strings."""
        names = list(allowed)
        if default is not None and not self.has(key):
            return default
        value = self._required(key, f"one of: {', '.join(names)}")
        if value not in names:
            raise self.error(key, f"{value!r} is not allowed, use one of: {', '.join(names)}")
        return value

    def texts(self, key: str, *, pattern: str = r".+", meaning: str = "text") -> tuple[str, ...]:
        """Read a list of strings with at least one element."""
        value = self._required(key, f"a list of {meaning}")
        if not isinstance(value, list) or not value:
            raise self.error(key, f"{value!r} is not a list of {meaning}")
        for position, element in enumerate(value):
            if not isinstance(element, str) or not re.fullmatch(pattern, element):
                raise self.error(f"{key}[{position}]", f"{element!r} is not {meaning}")
        return tuple(value)

    def optional_texts(
        self, key: str, *, pattern: str = r".+", meaning: str = "text"
    ) -> tuple[str, ...]:
        """Read a list of strings that may be absent."""
        return self.texts(key, pattern=pattern, meaning=meaning) if self.has(key) else ()

    def day(self, key: str) -> datetime.date:
        """Read a day."""
        meaning = "a day such as 2027-01-31"
        value = self._required(key, meaning)
        if not isinstance(value, datetime.date):
            raise self.error(key, f"{value!r} is not {meaning}")
        return value

    def entries(self, key: str) -> tuple["Document", ...]:
        """Read a list of mappings that may be absent."""
        if not self.has(key):
            return ()
        value = self._values[key]
        if not isinstance(value, list):
            raise self.error(key, f"{value!r} is not a list of mappings")
        return tuple(
            Document(
                self._file,
                self._mapping(self._file, f"{self._prefix}{key}[{position}]", element),
                f"{self._prefix}{key}[{position}].",
            )
            for position, element in enumerate(value)
        )

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Read a mapping of strings that may be absent, sorted by name."""
        if not self.has(key):
            return ()
        mapping = self._mapping(self._file, self._prefix + key, self._values[key])
        for name, value in mapping.items():
            if not isinstance(value, str):
                raise self.error(f"{key}.{name}", f'{value!r} is not text, quote it: "{value}"')
        return tuple(sorted(cast(Mapping[str, str], mapping).items()))

    def section(self, key: str) -> "Document":
        """Read a mapping below a key."""
        value = self._required(key, "a mapping")
        mapping = self._mapping(self._file, self._prefix + key, value)
        return Document(self._file, mapping, f"{self._prefix}{key}.")

    def optional_section(self, key: str) -> "Document":
        """Read a mapping below a key; an empty one when it is absent."""
        if self.has(key):
            return self.section(key)
        return Document(self._file, {}, f"{self._prefix}{key}.")

    def sections(self, key: str) -> tuple[tuple[str, "Document"], ...]:
        """Read a mapping of names to mappings that may be absent."""
        if not self.has(key):
            return ()
        below = self.section(key)
        names = self._mapping(self._file, self._prefix + key, self._values[key])
        return tuple((name, below.section(name)) for name in names)

    def finish(self) -> None:
        """Refuse the keys that were not asked for."""
        for key in self._values:
            if key not in self._asked:
                near = get_close_matches(key, self._asked, n=1)
                hint = f", did you mean {near[0]!r}?" if near else "."
                known = ", ".join(sorted(set(self._asked)))
                raise self.error(key, f"unknown key{hint} Allowed: {known}")

    def _required(self, key: str, meaning: str) -> object:
        if not self.has(key):
            unasked = [given for given in self._values if given not in self._asked]
            near = get_close_matches(key, unasked, n=1)
            hint = f" (there is a key {near[0]!r}, is it misspelt?)" if near else ""
            raise self.error(key, f"is missing, give {meaning}{hint}")
        return self._values[key]

    @staticmethod
    def _mapping(file: str, key: str, value: object) -> Mapping[str, object]:
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise DocumentError(file, key, "is not a mapping of keys to values")
        return cast(Mapping[str, object], value)
