"""Cron schedules: what is wrong with one, in the words of the parser that servers use."""

from __future__ import annotations

import re
import zoneinfo

_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MACROS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_NAMES = {
    3: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    4: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}


def schedule_error(text: str) -> str:
    """Return what is wrong with a schedule, empty when nothing is."""
    if text.startswith("@"):
        if text in _MACROS or re.fullmatch(r"@every \S+", text):
            return ""
        return f"unrecognized descriptor: {text}"
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for at, field in enumerate(fields):
        for part in field.split(","):
            why = _part_error(part, at)
            if why:
                return why
    return ""


def unknown_zone(name: str) -> bool:
    """Say whether a time zone does not exist."""
    try:
        return name not in zoneinfo.available_timezones() and name != "UTC"
    except OSError:
        return False


def _part_error(part: str, at: int) -> str:
    low, high = _FIELDS[at]
    bounds, _, step = part.partition("/")
    first, _, last = bounds.partition("-")
    if bounds in ("*", "?"):
        start, end = low, high
    else:
        numbers = []
        for word in (first, last or first):
            number = _number(word, at)
            if number is None:
                return f'failed to parse int from {word}: strconv.Atoi: parsing "{word}": invalid syntax'
            numbers.append(number)
        start, end = numbers
        if step and not last:
            end = high
    if step and not step.isdigit():
        return f'failed to parse int from {step}: strconv.Atoi: parsing "{step}": invalid syntax'
    if start < low:
        return f"beginning of range ({start}) below minimum ({low}): {part}"
    if end > high:
        return f"end of range ({end}) above maximum ({high}): {part}"
    if start > end:
        return f"beginning of range ({start}) beyond end of range ({end}): {part}"
    if step == "0":
        return f"step of range should be a positive number: {part}"
    return ""


def _number(word: str, at: int) -> int | None:
    known = _NAMES.get(at, [])
    if word.lower() in known:
        return known.index(word.lower()) + (1 if at == 3 else 0)
    return int(word) if word.isdigit() else None
