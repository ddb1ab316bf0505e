"""Time, as everything that waits or dates something gets it: one seam, so that a test can be quick."""

import time
from datetime import UTC, datetime

FORM = "%Y-%m-%dT%H:%M:%SZ"


class Clock:
    """The time of this machine."""

    def now(self) -> datetime:
        """Tell the time, UTC; for what is written down."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Tell seconds that only grow; for what is measured."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


CLOCK = Clock()
"""The time of this machine, for all who need no other."""


def write_time(moment: datetime) -> str:
    """Write a moment the way Kubernetes does, to the second."""
    return moment.astimezone(UTC).strftime(FORM)


def read_time(text: str) -> datetime:
    """Read what `write_time` wrote; raise ValueError."""
    return datetime.strptime(text, FORM).replace(tzinfo=UTC)
