"""A work queue of keys: each key is worked on by one worker at a time.

Every controller has one. Invariant: a key that is added while it is being worked on is worked on
once more afterwards, and however often a key is added, it waits in the queue once. With a `pace`,
a key that was just worked on waits so many seconds for its next turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_DELAY = 0.005
LONGEST_DELAY = 30.0


class WorkQueue(Generic[K]):
    """Keys that need work, now or later."""

    def __init__(self, *, first_delay: float = FIRST_DELAY, pace: float = 0.0) -> None:
        self._first_delay = first_delay
        self._pace = pace
        self._resting: dict[K, asyncio.TimerHandle] = {}
        self._waiting: deque[K] = deque()
        self._dirty: set[K] = set()
        self._working: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._filled = asyncio.Event()

    def add(self, key: K) -> None:
        """Ask for work on a key."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._working and key not in self._resting:
            self._waiting.append(key)
            self._filled.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Ask for work on a key in some seconds; the earliest of several wishes counts."""
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        held = self._timers.get(key)
        if held is not None:
            if held.when() <= due:
                return
            held.cancel()
        self._timers[key] = loop.call_at(due, self._ring, key)

    def retry(self, key: K) -> None:
        """Ask for work on a key that failed; the delay doubles with every failure in a row."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(self._first_delay * 2 ** min(failures, 30), LONGEST_DELAY))

    def forget(self, key: K) -> None:
        """End a row of failures."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """Wait for a key and take it; `done` has to follow."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        key = self._waiting.popleft()
        self._dirty.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """Say that the work on a key has ended."""
        self._working.discard(key)
        if self._pace:
            loop = asyncio.get_running_loop()
            self._resting[key] = loop.call_later(self._pace, self._rested, key)
        elif key in self._dirty:
            self._waiting.append(key)
            self._filled.set()

    def close(self) -> None:
        """Cancel every later wish."""
        for timer in (*self._timers.values(), *self._resting.values()):
            timer.cancel()
        self._timers.clear()
        self._resting.clear()

    def _rested(self, key: K) -> None:
        del self._resting[key]
        if key in self._dirty:
            self._waiting.append(key)
            self._filled.set()

    def _ring(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)
