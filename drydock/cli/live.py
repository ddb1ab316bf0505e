"""Live progress for people: what runs now, repainted in place, and one line for what is done.

Shows steps as a tree with their time. What ended well, quickly and below the second level leaves no line; what failed
leaves its message and the end of its output. `NO_COLOR` and narrow terminals are honoured; no meaning is told by colour alone.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from drydock.cli.progress import Event, duration, without_trace

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_INTERVAL = 0.1
_KEPT_OUTPUT = 20
_WORTH_A_LINE = 1.0  # seconds a deep step must take to be kept
_KEPT_LEVEL = 1
_DIM, _RED, _GREEN, _BOLD, _RESET = "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[1m", "\x1b[0m"
_CLEAR_LINE = "\x1b[2K"


@dataclass
class _Step:
    """One step of the tree."""

    span: str
    name: str
    begun: float
    level: int
    parent: _Step | None = None
    children: list[_Step] = field(default_factory=list)
    ended: float | None = None
    status: str = ""
    message: str = ""
    output: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_OUTPUT))

    @property
    def seconds(self) -> float:
        """How long it took, or has taken."""
        return (time.time() if self.ended is None else self.ended) - self.begun


class Live:
    """Paints steps on a terminal."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._color = "NO_COLOR" not in os.environ
        self._steps: dict[str, _Step] = {}
        self._roots: list[_Step] = []
        self._painted = 0
        self._frame = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._painter = threading.Thread(target=self._paint_regularly, daemon=True)
        self._painter.start()

    def handle(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            match event["event"]:
                case "start":
                    self._start(event)
                case "log":
                    if step := self._steps.get(event["span"]):
                        step.output.extend(line for line in event["text"].split("\n") if line)
                case "end":
                    self._end(event)

    def preface(self, lines: Sequence[str]) -> None:
        """Write lines above what is repainted."""
        with self._lock:
            self._erase()
            self._out.writelines(f"{line}\n" for line in lines)
            self._out.flush()

    def close(self) -> None:
        """Leave only what is worth keeping."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._painter.join()
        with self._lock:
            self._erase()
            for step in self._roots:
                if step.ended is None:
                    self._keep(step)
            self._out.flush()

    def _start(self, event: Event) -> None:
        if event["span"] in self._steps:
            return
        parent = self._steps.get(event.get("parent", ""))
        step = _Step(
            event["span"],
            event["name"].split("\n", 1)[0],
            event["time"],
            parent.level + 1 if parent else 0,
            parent,
        )
        self._steps[step.span] = step
        (parent.children if parent else self._roots).append(step)

    def _end(self, event: Event) -> None:
        step = self._steps.get(event["span"])
        if step is None:
            return
        step.ended = event["time"]
        step.status = event.get("status", "done")
        step.message = without_trace(str(event.get("message") or ""))
        if step.parent is None:
            self._erase()
            self._keep(step)
            self._out.flush()

    # -------------------------------------------------------- painting

    def _paint_regularly(self) -> None:
        while not self._stop.wait(_INTERVAL):
            with self._lock:
                self._erase()
                self._paint()
                self._out.flush()

    def _paint(self) -> None:
        size = shutil.get_terminal_size()
        lines = [line for root in self._roots if root.ended is None for line in self._running(root)]
        hidden = max(len(lines) - (size.lines - 2), 0)
        if hidden:
            lines = [*lines[: size.lines - 3], f"  … and {hidden + 1} more"]
        self._frame += 1
        for line in lines:
            self._out.write(line + "\n")
        self._painted = len(lines)

    def _erase(self) -> None:
        self._out.write(f"\x1b[1A{_CLEAR_LINE}" * self._painted)
        self._painted = 0

    def _running(self, step: _Step) -> Iterator[str]:
        """Yield the lines of a step that runs, and of what runs below it."""
        sign = _FRAMES[self._frame % len(_FRAMES)]
        yield self._line(sign, step, "")
        below = [child for child in step.children if child.ended is None]
        if not below and step.output:
            yield self._cut("  " * (step.level + 1) + "│ " + step.output[-1], _DIM)
        for child in below:
            yield from self._running(child)

    def _keep(self, step: _Step) -> None:
        """Write the lasting lines of a step that ended."""
        if not _worth_keeping(step):
            return
        if step.status == "error":
            self._out.write(self._line("✘", step, _RED) + "\n")
        elif step.status == "cached":
            self._out.write(self._line("=", step, _DIM, "CACHED ") + "\n")
        else:
            self._out.write(self._line("✔" if step.status else "-", step, _GREEN) + "\n")
        for child in step.children:
            self._keep(child)
        if step.status == "error" and not any(c.status == "error" for c in step.children):
            indent = "  " * (step.level + 1)
            for text in step.output:
                self._out.write(self._cut(f"{indent}│ {text}", _DIM) + "\n")
            for text in step.message.split("\n"):
                self._out.write(self._cut(f"{indent}! {text}", _RED) + "\n")

    def _line(self, sign: str, step: _Step, color: str, note: str = "") -> str:
        time_text = f" {note}{duration(step.seconds)}"
        indent = "  " * step.level
        width = shutil.get_terminal_size().columns - len(indent) - len(time_text) - 3
        name = step.name if len(step.name) <= width else step.name[: max(width - 1, 1)] + "…"
        if not self._color:
            return f"{indent}{sign} {name}{time_text}"
        strong = _BOLD if step.level == 0 else ""
        return f"{indent}{color}{sign}{_RESET} {strong}{name}{_RESET}{_DIM}{time_text}{_RESET}"

    def _cut(self, text: str, color: str) -> str:
        width = shutil.get_terminal_size().columns - 1
        shown = text.replace("\t", "    ").replace("\r", "")
        shown = shown if len(shown) <= width else shown[: width - 1] + "…"
        return f"{color}{shown}{_RESET}" if self._color else shown


def _worth_keeping(step: _Step) -> bool:
    if step.status == "error" or step.ended is None:
        return True
    if any(child.status == "error" for child in step.children):
        return True
    if step.level == 0:
        return step.seconds >= _INTERVAL
    if step.level <= _KEPT_LEVEL and step.status != "cached":
        return True
    return step.seconds >= _WORTH_A_LINE
