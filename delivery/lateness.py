"""How late this program itself is, so that nobody else is blamed for it.

A program that gets no processor, or was stopped for a while, sees slow answers where there were none. The prober and the
gates ask here how much of a stretch of time was of that kind. A thread ticks and notes each tick that came late: in
the time between, no other thread of this program can be trusted to have looked at its answers either.
"""

import threading
import time
from bisect import bisect_right
from types import TracebackType

TICK_SECONDS = 0.01
SLACK_SECONDS = 0.002
"""What every timer is late by; less than that is not noted."""
OWN_SHARE = 0.5
"""Part of a patience that may be this program's own lateness before a wait in vain says nothing about the other side."""


class Lateness:
    """Notes how late its ticks come, from `start` to `stop`; may be asked at any moment."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._due = time.monotonic()
        # Stretches in which this program was late, one after the other: when a tick was due, and when it came.
        self._due_at: list[float] = []
        self._came_at: list[float] = []
        self._thread = threading.Thread(target=self._work, name="lateness", daemon=True)

    def start(self) -> None:
        """Begin to tick."""
        self._due = time.monotonic() + TICK_SECONDS
        self._thread.start()

    def stop(self) -> None:
        """End; what was noted stays."""
        self._ended.set()
        self._thread.join()

    def __enter__(self) -> "Lateness":
        """Begin to tick."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self.stop()

    def seconds(self, begin: float, end: float) -> float:
        """Sum up the lateness between two moments of the monotonic clock."""
        due = self._due
        count = len(self._came_at)
        first = bisect_right(self._came_at, begin, hi=count)
        late = 0.0
        for number in range(first, count):
            late += max(0.0, min(end, self._came_at[number]) - max(begin, self._due_at[number]))
        under_way = not count or self._due_at[count - 1] < due
        if under_way and not self._ended.is_set() and end - due > SLACK_SECONDS:
            late += end - max(begin, due)
        return late

    def worked(self, begin: float) -> float:
        """Count the seconds from a moment until now in which this program was not late."""
        now = time.monotonic()
        return now - begin - self.seconds(begin, now)

    def _work(self) -> None:
        while not self._ended.wait(max(0.0, self._due - time.monotonic())):
            came = time.monotonic()
            if came - self._due > SLACK_SECONDS:
                self._due_at.append(self._due)
                self._came_at.append(came)
            self._due = came + TICK_SECONDS


def excuse(late: float, patience: float) -> str:
    """Say so when an answer that was waited for in vain may have been there, but was not looked at; else nothing."""
    if late < OWN_SHARE * patience:
        return ""
    return f"this program itself was {late * 1000:.0f} ms late"
