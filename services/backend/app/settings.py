"""What the environment's variables tell the backend, checked once at start."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class WrongSetting(ValueError):
    """A variable holds something that is not allowed; the message is one line for the operator."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name} is {json.dumps(value)}: allowed is {allowed}.")


@dataclass(frozen=True)
class Variable(Generic[T]):
    """One variable: its name, its default, how it is read, and what is allowed, in words."""

    name: str
    default: str
    parse: Callable[[str], T]
    allowed: str

    def read(self, environ: Mapping[str, str]) -> T:
        """Give the value; raise `WrongSetting` if it is not allowed."""
        text = environ.get(self.name, self.default)
        try:
            return self.parse(text)
        except ValueError as error:
            raise WrongSetting(self.name, text, self.allowed) from error


def matching(pattern: str) -> Callable[[str], str]:
    """Make a parser that takes what matches a pattern as a whole."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def number(pattern: str, least: float, most: float) -> Callable[[str], float]:
    """Make a parser of numbers that are written in a certain way, both bounds included."""

    def parse(text: str) -> float:
        value = float(matching(pattern)(text))
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return parse


PORT = Variable("PORT", "5000", number(r"[0-9]+", 1, 65535), "a whole number from 1 to 65535")
ENVIRONMENT = Variable(
    "FLASK_ENV",
    "production",
    matching(r"[A-Za-z0-9._-]{1,63}"),
    "1 to 63 letters, digits, dots, dashes and underscores",
)
VERSION = Variable(
    "APP_VERSION", "unknown", matching(r"[\x20-\x7e]{1,128}"), "1 to 128 printable characters"
)
LOG_LEVEL = Variable(
    "LOG_LEVEL", "info", matching("debug|info|warning|error"), "debug, info, warning or error"
)
DRAIN_SECONDS = Variable(
    "DRAIN_SECONDS", "3", number(r"[0-9]+(\.[0-9]+)?", 0, 60), "a number from 0 to 60"
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The backend's configuration."""

    port: int
    environment: str
    version: str
    log_level: str
    drain_seconds: float

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read all variables; raise `WrongSetting` for the first that is not allowed."""
        return cls(
            port=int(PORT.read(environ)),
            environment=ENVIRONMENT.read(environ),
            version=VERSION.read(environ),
            log_level=LOG_LEVEL.read(environ),
            drain_seconds=DRAIN_SECONDS.read(environ),
        )


def load_or_exit(environ: Mapping[str, str]) -> Settings:
    """Read the settings; end the process with one line and code 2 if one is not allowed."""
    try:
        return Settings.from_environment(environ)
    except WrongSetting as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
