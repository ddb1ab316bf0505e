"""Plain progress on standard error: one line an event, numbered by span.

The engine's events and the client's own steps meet here. Every line begins with the number of its span; one bar per level
stands before nested ones; an empty line parts the blocks of different top-level spans. Of what a function asks the API,
most only describes a container or reads a file: such a step is shown if it takes long, fails or says something, and always
with `-v`; otherwise hundreds of them would hide what matters in the log of a CI job. Called from the thread that follows the
engine's events and from the main thread, hence the lock.
"""

from __future__ import annotations

import io
import re
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

Event = Mapping[str, Any]
_MINOR = re.compile(
    r"(?:Container|Directory|File|Host|Changeset|Git\w+|Address|EnvFile|CurrentModule)\.(?P<field>\w+)"
    r"|(?:directory|file|secret|setSecret|cacheVolume|changeset|address|git)\b"
)
# Where images come from, what runs and what has an effect; the recordings of the real program show them, too.
_MAJOR = frozenset({"from", "withExec", "stdout", "stderr", "publish", "export", "up"})
_LONG_SECONDS = 1.0


class Reporter(Protocol):
    """What shows events."""

    def handle(self, event: Event) -> None:
        """Show one event."""

    def preface(self, lines: Sequence[str]) -> None:
        """Show lines that belong to no step, before everything else where that is still possible."""

    def close(self) -> None:
        """Show the end."""


class Silent:
    """Shows nothing (`--silent`)."""

    def handle(self, event: Event) -> None:
        """Ignore it."""

    def preface(self, lines: Sequence[str]) -> None:
        """Ignore them."""

    def close(self) -> None:
        """Leave the empty line that stands before an error."""


@dataclass
class _Row:
    span: str
    parent: _Row | None
    name: str
    begun: float
    minor: bool
    # Lines that the streams have not ended yet, by stream.
    partial: dict[str, str]
    number: int = 0  # in the order of the first lines; 0: nothing of it was written yet

    @property
    def level(self) -> int:
        return self.parent.level + 1 if self.parent else 0

    @property
    def root(self) -> str:
        return self.parent.root if self.parent else self.span


class Plain:
    """Writes events as lines; also what `auto` means without a terminal.

    `hold`: nothing is written before the preface (or the end) is known. `verbose`: minor steps, too.
    """

    def __init__(
        self, out: TextIO | None = None, *, hold: bool = False, verbose: bool = False
    ) -> None:
        self._verbose = verbose
        self._waiting: list[_Row] = []  # minor steps that may turn out to take long
        self._numbered = 0
        self._target = out or sys.stderr
        self._out: TextIO = io.StringIO() if hold else self._target
        self._rows: dict[str, _Row] = {}
        self._root = ""
        self._last = ""
        self._lock = threading.Lock()
        self._closed = False

    def handle(self, event: Event) -> None:
        """Write one event."""
        with self._lock:
            if self._closed:
                return
            self._show_long(event["time"])
            match event["event"]:
                case "start":
                    self._start(event)
                case "log":
                    self._log(event)
                case "end":
                    self._end(event)
            self._out.flush()

    def preface(self, lines: Sequence[str]) -> None:
        """Write lines as they are, then what was held back."""
        with self._lock:
            self._target.writelines(f"{line}\n" for line in lines)
            self._release()
            self._target.flush()

    def close(self) -> None:
        """Write the two empty lines that end the progress."""
        with self._lock:
            self._release()
            if not self._closed:
                self._closed = True
                self._out.write("\n\n")
                self._out.flush()

    def _release(self) -> None:
        if isinstance(self._out, io.StringIO) and self._out is not self._target:
            self._target.write(self._out.getvalue())
        self._out = self._target

    def _start(self, event: Event) -> None:
        span = event["span"]
        if span in self._rows:
            return
        parent = self._rows.get(event.get("parent", ""))
        minor = not self._verbose and parent is not None and _is_minor(event["name"])
        row = _Row(span, parent, event["name"], event["time"], minor, {})
        self._rows[span] = row
        if minor:
            self._waiting.append(row)
        else:
            self._show(row)

    def _show(self, row: _Row) -> None:
        """Write the start of a step, after those that it is part of."""
        if row.number == 0:
            if row.parent is not None:
                self._show(row.parent)
            self._numbered += 1
            row.number = self._numbered
            self._write(row.span, row.name)

    def _show_long(self, now: float) -> None:
        while self._waiting and now - self._waiting[0].begun >= _LONG_SECONDS:
            self._show(self._waiting.pop(0))

    def _log(self, event: Event) -> None:
        span = event["span"]
        row = self._rows.get(span)
        if row is None:
            return
        stream = event.get("stream", "log")
        text = row.partial.pop(stream, "") + event["text"]
        lines = text.split("\n")
        if stream in {"stdout", "stderr"} and lines[-1]:
            row.partial[stream] = lines[-1]
        elif lines[-1]:
            lines.append("")
        self._lines(span, row, lines[:-1], event["time"])

    def _lines(self, span: str, row: _Row, lines: list[str], at: float) -> None:
        if lines:
            self._show(row)
        if lines and self._last != span:
            self._write(span, row.name)
        for line in lines:
            self._write(span, f"[{duration(at - row.begun)}] | {line.rstrip(chr(13))}")

    def _end(self, event: Event) -> None:
        span = event["span"]
        row = self._rows.get(span)
        if row is None:
            return
        at = event["time"]
        for text in list(row.partial.values()):
            self._lines(span, row, [text], at)
        row.partial.clear()
        if row in self._waiting:
            self._waiting.remove(row)
        if row.number == 0 and event.get("status") != "error":
            return
        self._show(row)
        word = {"done": "DONE", "cached": "CACHED"}.get(event.get("status", "done"), "ERROR")
        self._write(span, f"{event['name']} {word} [{duration(at - row.begun)}]")
        if word == "ERROR":
            message = str(event.get("message") or "").rstrip("\n")
            first, *rest = message.split("\n")
            self._write(span, f"! {without_trace(first)}")
            self._out.writelines(f"{line}\n" for line in rest)

    def _write(self, span: str, text: str) -> None:
        row = self._rows[span]
        if self._root and row.root != self._root:
            self._out.write("\n")
        self._root, self._last = row.root, span
        first, *rest = text.split("\n")
        prefix = f"{row.number:<4}: " + "┆ " * row.level
        self._out.write(prefix + first + "\n")
        self._out.writelines(prefix + line + "\n" for line in rest)


def _is_minor(name: str) -> bool:
    found = _MINOR.match(name)
    return found is not None and found["field"] not in _MAJOR


def duration(seconds: float) -> str:
    """Write a time as `0.3s` or `1m8s`."""
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest}s"
    return f"{minutes // 60}h{minutes % 60}m{rest}s"


def without_trace(message: str) -> str:
    """Drop the trace that an error's text ends in."""
    head, mark, tail = message.rpartition(" [traceparent:")
    return head if mark and tail.endswith("]") else message


class Steps:
    """The client's own steps, told to the reporter like the engine's spans."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def start(self, span: str, name: str, parent: str = "") -> None:
        """Begin a step."""
        self._reporter.handle(
            {"event": "start", "span": span, "parent": parent, "name": name, "time": time.time()}
        )

    def log(self, span: str, text: str) -> None:
        """Write a line below a step."""
        self._reporter.handle({"event": "log", "span": span, "text": text, "time": time.time()})

    def end(self, span: str, name: str, error: str = "") -> None:
        """End a step."""
        self._reporter.handle(
            {
                "event": "end",
                "span": span,
                "name": name,
                "status": "error" if error else "done",
                "message": error,
                "time": time.time(),
            }
        )
