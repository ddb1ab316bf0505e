"""Durations as Go writes them ("1m30s"), which image configurations and the API speak.

Nanoseconds in whole numbers inside, as the OCI image configuration stores them.
"""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


class InvalidDurationError(ValueError):
    """A text is no duration."""


def parse_duration(text: str) -> int:
    """Return the nanoseconds of a duration such as "5s" or "1h15m30.5s"; "0" and "" are zero."""
    if text in ("", "0"):
        return 0
    if not re.fullmatch(f"(?:{_PART.pattern})+", text):
        raise InvalidDurationError(f'time: invalid duration "{text}"')
    return sum(int(Decimal(number) * _UNITS[unit]) for number, unit in _PART.findall(text))


def format_duration(nanoseconds: int) -> str:
    """Return the text of a duration: "0s", "1.5s", "1m30s", "2h0m0s", "20ms"."""
    if nanoseconds < _UNITS["s"]:
        for unit in ("ms", "µs"):
            if nanoseconds >= _UNITS[unit]:
                return f"{_decimal(nanoseconds, _UNITS[unit])}{unit}"
        return f"{nanoseconds}ns" if nanoseconds else "0s"
    minutes, rest = divmod(nanoseconds, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, _UNITS['s'])}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(amount: int, unit: int) -> str:
    text = f"{Decimal(amount) / Decimal(unit):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
