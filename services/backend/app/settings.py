"""What the environment's variables tell the backend, checked once at start."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class WrongSetting(ValueError):
    """A variable holds something that is not allowed; the message is one line for the operator."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f'{name} is "{value}": allowed is {allowed}.')


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The backend's configuration; `from_environment` is the only maker outside of tests."""

    port: int = 5000
    environment: str = "production"
    version: str = "unknown"
    log_level: str = "info"
    drain_seconds: float = 3.0

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; raise `WrongSetting` for the first that is not allowed."""
        return cls(
            port=_read(environ, "PORT", "5000", _port, "a whole number from 1 to 65535"),
            environment=_read(
                environ,
                "FLASK_ENV",
                "production",
                _matching(r"[A-Za-z0-9._-]{1,63}"),
                "1 to 63 letters, digits, dots, dashes and underscores",
            ),
            version=_read(
                environ,
                "APP_VERSION",
                "unknown",
                _matching(r"[\x20-\x7e]{1,128}"),
                "1 to 128 printable characters",
            ),
            log_level=_read(
                environ,
                "LOG_LEVEL",
                "info",
                _matching(r"debug|info|warning|error"),
                "debug, info, warning or error",
            ),
            drain_seconds=_read(environ, "DRAIN_SECONDS", "3", _drain, "a number from 0 to 60"),
        )


def load_or_exit(environ: Mapping[str, str]) -> Settings:
    """Read the settings; end the process with one line and code 2 if one is not allowed."""
    try:
        return Settings.from_environment(environ)
    except WrongSetting as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error


def _read(
    environ: Mapping[str, str], name: str, default: str, parse: Callable[[str], T], allowed: str
) -> T:
    text = environ.get(name, default)
    try:
        return parse(text)
    except ValueError as error:
        raise WrongSetting(name, text, allowed) from error


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def _port(text: str) -> int:
    number = int(_matching(r"[0-9]{1,5}")(text))
    if not 1 <= number <= 65535:
        raise ValueError(text)
    return number


def _drain(text: str) -> float:
    number = float(_matching(r"[0-9]{1,2}(\.[0-9]{1,3})?")(text))
    if number > 60:
        raise ValueError(text)
    return number
