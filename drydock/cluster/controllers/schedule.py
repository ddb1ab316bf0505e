"""Cron schedules: five fields, names, ranges, steps, and the usual shorthands.

Pure; the CronJob controller asks for the next moment. Invariant: when both day fields are restricted,
a day that satisfies either of them counts, as cron has always had it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
HORIZON_DAYS = 5 * 366


@dataclass(frozen=True)
class Schedule:
    """The minutes at which something happens."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a schedule; raises ValueError that names the wrong field."""
        fields = SHORTHANDS.get(text.strip().lower(), text).split()
        if len(fields) != 5:
            raise ValueError(f"expected exactly 5 fields, found {len(fields)}: [{text}]")
        weekdays = _field(fields[4], 0, 7, DAYS, first_name=0)
        return cls(
            minutes=_field(fields[0], 0, 59),
            hours=_field(fields[1], 0, 23),
            days=_field(fields[2], 1, 31),
            months=_field(fields[3], 1, 12, MONTHS, first_name=1),
            weekdays=frozenset(day % 7 for day in weekdays),
            any_day=fields[2][0] in "*?",
            any_weekday=fields[4][0] in "*?",
        )

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment after another; None when there is none within five years."""
        at = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = at + timedelta(days=HORIZON_DAYS)
        while at < end:
            if at.month not in self.months or not self._day(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at += timedelta(minutes=1)
            else:
                return at
        return None

    def _day(self, at: datetime) -> bool:
        day, weekday = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return day and weekday
        return day or weekday


def _field(
    text: str, low: int, high: int, names: tuple[str, ...] = (), *, first_name: int = 0
) -> frozenset[int]:
    known = {name: at for at, name in enumerate(names, first_name)}

    def number(word: str) -> int:
        value = known.get(word.lower())
        if value is None and not word.isdigit():
            raise ValueError(f"failed to parse int from {word}: it is no number")
        found = int(word) if value is None else value
        if not low <= found <= high:
            raise ValueError(f"{found} is not within {low}-{high}: {text}")
        return found

    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = int(step_text) if step_text.isdigit() and int(step_text) else 0 if step_text else 1
        if not step:
            raise ValueError(f"step of range should be a positive number: {part}")
        if span in ("*", "?"):
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = number(start)
            last = number(end) if dash else high if step_text else first
        if first > last:
            raise ValueError(f"beginning of range ({first}) beyond end of range ({last}): {part}")
        found.update(range(first, last + 1, step))
    return frozenset(found)
