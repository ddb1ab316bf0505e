"""Windows of burn-rate alerts: how fast a budget may be used up before somebody is told, and over which time that is seen.

The numbers are those of Google's SRE workbook for thirty days ("Alerting on SLOs", multiwindow, multi-burn-rate). The long window
says that it matters, the short one that it still goes on. Both have to exceed the factor, so an alert ends soon after its cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass

PAGE, TICKET = "page", "ticket"
_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}


@dataclass(frozen=True)
class Window:
    """An alert of `severity` when `spent` of the budget is used up in `long`, and goes on being so in `short`."""

    severity: str
    long: str
    short: str
    spent: float

    def factor(self, window_days: int) -> float:
        """How many times faster than allowed that is."""
        return round(self.spent * window_days * 24 / hours(self.long), 3)


WINDOWS = (
    Window(PAGE, "1h", "5m", 0.02),
    Window(PAGE, "6h", "30m", 0.05),
    Window(TICKET, "1d", "2h", 0.10),
    Window(TICKET, "3d", "6h", 0.10),
)
SHORTEST = "5m"
"""Over which requests are counted; all other windows are made of it."""


def lengths() -> tuple[str, ...]:
    """List every window that an alert looks at, the shortest first."""
    found = {length for window in WINDOWS for length in (window.long, window.short)}
    return tuple(sorted(found, key=hours))


def possible(budget: float, window_days: int) -> Iterator[Window]:
    """Go through the windows whose burn rate can be reached: no more than all requests can fail."""
    return (window for window in WINDOWS if window.factor(window_days) * budget < 1)


def hours(length: str) -> float:
    """Tell how long `5m`, `1h` or `3d` is."""
    return int(length[:-1]) * _HOURS[length[-1]]
