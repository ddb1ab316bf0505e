"""Lazy parts: evaluated at most once, however many ask, in however many sessions.

A `Lazy` knows its key before its value. Equal keys that are being evaluated share one task in the
whole process (`Flights`), so two clients that need the same layer wait for the same command. A
failure is not kept: who asks later evaluates again. A waiter that is cancelled leaves; the task is
cancelled when nobody waits any more.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from .errors import EngineError
from .trace import current_span

T = TypeVar("T")
Thunk = Callable[[], Awaitable[T]]


def digest_of(*parts: Any) -> str:
    """Return a key for JSON-like parts; equal parts, equal key."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@dataclass
class _Flight:
    """One evaluation under way and how many wait for it."""

    task: asyncio.Task[Any]
    waiters: int = 0


@dataclass
class Flights:
    """Evaluations under way in one event loop, by key."""

    running: dict[str, _Flight] = field(default_factory=dict)

    async def join(self, key: str, thunk: Thunk[T]) -> T:
        """Return the value of the evaluation `key`, starting it if nobody has."""
        flight = self.running.get(key)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(_run(thunk)))
            self.running[key] = flight
            flight.task.add_done_callback(lambda done: self._landed(key, done))
        flight.waiters += 1
        try:
            return cast("T", await asyncio.shield(flight.task))
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                # Nobody wants it any more; a newcomer must not join a dying task.
                if self.running.get(key) is flight:
                    del self.running[key]
                flight.task.cancel()

    def _landed(self, key: str, task: asyncio.Task[Any]) -> None:
        if (flight := self.running.get(key)) is not None and flight.task is task:
            del self.running[key]
        if not task.cancelled():
            task.exception()  # looked at, in case every waiter left before it failed


async def _run(thunk: Thunk[T]) -> T:
    return await thunk()


_FLIGHTS: WeakKeyDictionary[asyncio.AbstractEventLoop, Flights] = WeakKeyDictionary()


def flights() -> Flights:
    """Return the evaluations of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _FLIGHTS:
        _FLIGHTS[loop] = Flights()
    return _FLIGHTS[loop]


class Lazy(Generic[T]):
    """A value that costs. Its key is known earlier and says what it will be."""

    def __init__(self, key: str | Callable[[], Awaitable[str]], thunk: Thunk[T]) -> None:
        self._key: str | None = key if isinstance(key, str) else None
        self._find_key = None if isinstance(key, str) else key
        self._thunk: Thunk[T] | None = thunk
        self._value: T | None = None

    @classmethod
    def make(cls, key: str | Callable[[], Awaitable[str]], thunk: Thunk[T]) -> Lazy[T]:
        """Make a lazy value; `key` may itself be found out asynchronously (content digests)."""
        return cls(key, thunk)

    @classmethod
    def ready(cls, key: str, value: T) -> Lazy[T]:
        """Make one that is already evaluated."""

        async def unused() -> T:
            return value

        made = cls(key, unused)
        made._value, made._thunk = value, None
        return made

    @property
    def evaluated(self) -> bool:
        """Return whether `get` costs nothing."""
        return self._thunk is None

    async def key(self) -> str:
        """Return the key: equal keys mean equal values."""
        if self._key is None:
            assert self._find_key is not None  # noqa: S101 - one of both is always there
            with _marks_lazy():
                self._key = await self._find_key()
            self._find_key = None
        return self._key

    async def get(self) -> T:
        """Return the value, evaluating it if needed."""
        if self._thunk is not None:
            key = await self.key()
            thunk = self._thunk
            if thunk is not None:  # not evaluated while the key was being found
                with _marks_lazy():
                    self._value = await flights().join(f"{type(self).__name__}:{key}", thunk)
                self._thunk = None  # lets go of what the thunk holds
        return cast("T", self._value)


class _marks_lazy:  # noqa: N801 - reads as a statement
    """Mark errors that pass through as found during evaluation."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, EngineError):
            error.mark_lazy(current_span().traceparent)
