"""Spans and log lines of a session: what `--progress` shows and what OTLP carries.

A span has a name for its start (`Container.from(address: "alpine"): Container!`) and one for its end
(`Container.from`). The events of a session go to whoever follows it, as JSON objects:

    {"event": "start", "span": ID, "parent": ID | "", "name": TEXT, "time": SECONDS}
    {"event": "log",   "span": ID, "stream": "stdout" | "stderr" | "log", "text": TEXT, "time": SECONDS}
    {"event": "end",   "span": ID, "name": TEXT, "status": "done" | "cached" | "error", "message": TEXT, "time": SECONDS}

The current span is a context variable: whatever starts below it becomes its child.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
_KEPT_EVENTS = 10_000  # events kept for a follower that comes late
_KEPT_LETTERS = 32 * 1024 * 1024  # of a command's output; one event may hold 64 KiB of it


class Backlog:
    """Events for a reader that is behind: the latest, bounded by number and by the text they hold."""

    def __init__(self, events: int, letters: int = _KEPT_LETTERS) -> None:
        self._limits = (events, letters)
        self._events: deque[Event] = deque()
        self._letters = 0

    def add(self, event: Event) -> None:
        """Keep an event; what is too much for the limits goes, the oldest first."""
        self._events.append(event)
        self._letters += _letters(event)
        events, letters = self._limits
        while len(self._events) > events or (self._letters > letters and len(self._events) > 1):
            self._letters -= _letters(self._events.popleft())

    def take(self) -> list[Event]:
        """Return all events and keep none."""
        taken = self.all()
        self._events.clear()
        self._letters = 0
        return taken

    def all(self) -> list[Event]:
        """Return all events."""
        return list(self._events)


def _letters(event: Event) -> int:
    return len(event.get("text", ""))


@dataclass
class Trace:
    """All spans of one session; followers get every event, late ones the kept past too."""

    id: str = field(default_factory=lambda: secrets.token_hex(16))
    _past: Backlog = field(default_factory=lambda: Backlog(_KEPT_EVENTS))
    _followers: list[Callable[[Event], None]] = field(default_factory=list)
    _shown: set[str] = field(default_factory=set)

    def shows(self, span: str) -> bool:
        """Return whether a span of this id was shown, so that others may hang below it."""
        return span in self._shown

    def emit(self, event: Event) -> None:
        """Hand an event to the followers."""
        if event["event"] == "start":
            self._shown.add(event["span"])
        self._past.add(event)
        for follower in list(self._followers):
            follower(event)

    @contextmanager
    def followed_by(self, follower: Callable[[Event], None]) -> Iterator[None]:
        """Call `follower` for every event, those of the past first."""
        for event in self._past.all():
            follower(event)
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)

    def root(self) -> Span:
        """Return the parent of the session's top-level spans; it is never shown."""
        return Span(self, "", silent=True)


@dataclass
class Span:
    """One step. `silent` ones are never shown and lend their parent to their children."""

    trace: Trace
    name: str
    end_name: str = ""
    parent: Span | None = None
    silent: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    status: str = "done"
    message: str = ""
    _open: bool = False

    @property
    def traceparent(self) -> str:
        """Return `<trace>-<span>`, as error texts name it."""
        return f"{self.trace.id}-{self.id}"

    @property
    def w3c(self) -> str:
        """Return the W3C traceparent header that makes another process's spans children."""
        return f"00-{self.trace.id}-{self.visible_id or self.id}-01"

    @property
    def visible_id(self) -> str:
        """Return the id of the nearest span that is shown, empty at the top."""
        here: Span | None = self
        while here is not None and here.silent:
            here = here.parent
        return here.id if here else ""

    def child(self, name: str, end_name: str = "", *, silent: bool = False) -> Span:
        """Return a span below this one; it starts with `with`."""
        return Span(self.trace, name, end_name or name, self, silent)

    def start(self) -> None:
        """Tell followers that it began."""
        self._open = True
        if not self.silent:
            parent = self.parent.visible_id if self.parent else ""
            self.trace.emit(
                {
                    "event": "start",
                    "span": self.id,
                    "parent": parent,
                    "name": self.name,
                    "time": time.time(),
                }
            )

    def log(self, text: str, stream: str = "log") -> None:
        """Show text below this span (or the nearest one that is shown)."""
        self.trace.emit(
            {
                "event": "log",
                "span": self.visible_id,
                "stream": stream,
                "text": text,
                "time": time.time(),
            }
        )

    def cached(self) -> None:
        """Note that nothing had to run."""
        self.status = "cached"

    def end(self) -> None:
        """Tell followers how it ended."""
        if self._open and not self.silent:
            self.trace.emit(
                {
                    "event": "end",
                    "span": self.id,
                    "name": self.end_name,
                    "status": self.status,
                    "message": self.message,
                    "time": time.time(),
                }
            )
        self._open = False

    @contextmanager
    def active(self) -> Iterator[Span]:
        """Start it, make it current, end it; an exception makes its status `error`."""
        token = _CURRENT.set(self)
        self.start()
        try:
            yield self
        except BaseException as error:
            self.status = "error"
            self.message = _said(error)
            raise
        finally:
            _CURRENT.reset(token)
            self.end()

    @contextmanager
    def current(self) -> Iterator[Span]:
        """Make it current without starting or ending it."""
        token = _CURRENT.set(self)
        try:
            yield self
        finally:
            _CURRENT.reset(token)


def _said(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "context canceled"
    return getattr(error, "message", "") or str(error) or type(error).__name__


_CURRENT: ContextVar[Span | None] = ContextVar("drydock_span", default=None)


def current_span() -> Span:
    """Return the span that work done here belongs to; a detached one outside of any session."""
    found = _CURRENT.get()
    return found if found is not None else Trace().root()
