"""What the containers of a pod wrote: one bounded log per run of a container.

The kubelet's containers write, `kubectl logs` reads. Invariant: a log holds whole lines, each with
its time, and never more than twice `LIMIT` bytes on disk; a reader that follows misses no line. Who is
attached gets every piece at once, as a prompt has no line's end.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drydock.cluster.controllers.meta import moment_of, now
from drydock.cluster.node import LogOptions

LIMIT = 10 * 1024 * 1024
LONGEST_LINE = 16 * 1024

Listener = Callable[[str, bytes], None]
"""Gets a stream's name and a piece of it."""


class ContainerLog:
    """The log of one run of one container; lines are `TIME STREAM TEXT`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._partial: dict[str, bytes] = {}
        self._size = path.stat().st_size
        self._count = 0
        self._grown = asyncio.Event()
        self._listeners: list[Listener] = []
        self.ended = asyncio.Event()
        self.closed = False

    def sink(self, stream: str) -> Callable[[bytes], None]:
        """Return what takes the bytes of one stream (`stdout`, `stderr`)."""

        def write(piece: bytes) -> None:
            self._write(stream, piece)

        return write

    def close(self) -> None:
        """Write what has no line end yet; readers that follow come to their end."""
        for stream, rest in self._partial.items():
            if rest:
                self._line(stream, rest)
        self._partial.clear()
        self._file.close()
        self.closed = True
        self.ended.set()
        self._wake()

    async def read(self, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield the lines that the options ask for; with `follow` until the log is closed."""
        since = _since(options)
        lines = [line for line in self._stored() if _time_of(line) >= since]
        if options.tail_lines is not None:
            lines = lines[-options.tail_lines :] if options.tail_lines else []
        seen = self._count
        left = options.limit_bytes
        for line in lines:
            piece = _shown(line, timestamps=options.timestamps)
            if left is not None:
                piece = piece[:left]
                left -= len(piece)
            yield piece
            if left == 0:
                return
        while options.follow:
            grown = self._grown
            fresh = self._count - seen
            if fresh:
                seen = self._count
                for line in list(self._stored())[-fresh:]:
                    yield _shown(line, timestamps=options.timestamps)
            elif self.closed:
                return
            else:
                await grown.wait()

    def tail(self, lines: int, size: int) -> str:
        """Return the last lines, at most `size` bytes, as text (for termination messages)."""
        shown = [_shown(line, timestamps=False) for line in list(self._stored())[-lines:]]
        return b"".join(shown)[-size:].decode(errors="replace")

    def listen(self, listener: Listener, *, from_start: bool) -> Callable[[], None]:
        """Pass on every piece as it comes, also unfinished lines; return what ends that."""
        if from_start:
            for line in self._stored():
                _, name, text = line.split(b" ", 2)
                listener(name.decode(), text)
            for stream, rest in self._partial.items():
                if rest:
                    listener(stream, rest)
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _write(self, stream: str, piece: bytes) -> None:
        if self.closed:
            return
        for listener in self._listeners:
            listener(stream, piece)
        *lines, rest = (self._partial.get(stream, b"") + piece).split(b"\n")
        for line in lines:
            self._line(stream, line)
        while len(rest) > LONGEST_LINE:
            self._line(stream, rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        self._partial[stream] = rest
        self._file.flush()
        self._wake()

    def _line(self, stream: str, text: bytes) -> None:
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        line = f"{when} {stream} ".encode() + text + b"\n"
        if self._size + len(line) > LIMIT:
            self._file.close()
            self._path.replace(self._path.with_suffix(".old"))
            self._file = self._path.open("ab")
            self._size = 0
        self._file.write(line)
        self._size += len(line)
        self._count += 1

    def _wake(self) -> None:
        waiting, self._grown = self._grown, asyncio.Event()
        waiting.set()

    def _stored(self) -> Iterator[bytes]:
        if not self._file.closed:
            self._file.flush()
        for path in (self._path.with_suffix(".old"), self._path):
            if path.exists():
                with path.open("rb") as file:
                    yield from file


class ContainerLogs:
    """The logs of one container: that of the present run and that of the one before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0
        self.current: ContainerLog | None = None
        self.previous: ContainerLog | None = None

    def begin(self) -> ContainerLog:
        """Start the log of a new run; only one earlier run is kept."""
        if self.previous is not None:
            shutil.rmtree(self._folder / str(self._runs - 2), ignore_errors=True)
        self.previous = self.current
        self.current = ContainerLog(self._folder / str(self._runs) / "log")
        self._runs += 1
        return self.current


def _since(options: LogOptions) -> datetime:
    if options.since_time:
        return moment_of(options.since_time)
    if options.since_seconds is not None:
        return now() - timedelta(seconds=options.since_seconds)
    return datetime.min.replace(tzinfo=UTC)


def _time_of(line: bytes) -> datetime:
    """Read the time of a stored line; its last three digits (always 0) are cut for Python 3.11."""
    return datetime.fromisoformat(line[:26].decode() + "+00:00")


def _shown(line: bytes, *, timestamps: bool) -> bytes:
    when, _, text = line.split(b" ", 2)
    return when + b" " + text if timestamps else text
