"""Days and weeks (UTC): how long an answer of the world outside is believed."""

from datetime import UTC, datetime


def today() -> str:
    """Name the day, for answers that hold until the next, e.g. `2026-11-26`."""
    return datetime.now(UTC).date().isoformat()


def this_quarter() -> str:
    """Name the quarter of the day, which is how often vulnerability databases come out, e.g. `2026-11-26.3`."""
    return f"{today()}.{datetime.now(UTC).hour // 6}"


def this_week() -> str:
    """Name the week, e.g. `2026-W48`."""
    year, week, _ = datetime.now(UTC).isocalendar()
    return f"{year}-W{week:02}"
