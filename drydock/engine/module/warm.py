"""The engine's side of the warm Python: one runner process per engine and interpreter, started ahead of the first call.

A call hands over two pipes for its output, which become log lines of the call's span, and waits for the exit code. A
cancelled call kills its child with everything it started. When the runner itself dies, its calls fail with its last words
and the next call starts another one.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import os
import secrets
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drydock.engine.errors import EngineError

Output = Callable[[str, str], None]  # text, stream
_MESSAGE_BYTES = 128 * 1024
_READY_SECONDS = 120.0
_LAST_WORDS = 20
_STARTED_WITH = ("PATH", "LANG", "LC_ALL", "HOME", "DRYDOCK_STATE_DIR", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Invocation:
    """What the runner is told about one call."""

    env: Mapping[str, str]
    source: Path  # where the module's files are now
    source_target: str  # where the function sees them
    root: Path  # an empty folder, the mount point of the function's root
    network: Path  # its network namespace
    resolver: str  # its /etc/resolv.conf
    subfolder: str = "."  # where the Python project is, below the source
    packages: tuple[str, ...] = ()  # folders of further Python packages
    packages_own: tuple[str, ...] = ()  # top-level names that the module's source defines
    entry_point: str = ""
    bindings: tuple[Any, ...] = ()

    def message(self, call: str) -> bytes:
        """Return the message to the runner."""
        return json.dumps(
            {
                "call": call,
                "env": dict(self.env),
                "source": str(self.source),
                "source_target": self.source_target,
                "root": str(self.root),
                "network": str(self.network),
                "resolver": self.resolver,
                "subfolder": self.subfolder,
                "packages": list(self.packages),
                "packages_own": list(self.packages_own),
                "entry_point": self.entry_point,
                "bindings": list(self.bindings),
            }
        ).encode()


@dataclass
class WarmPython:
    """One runner process; `start` may be called early, `call` starts it when needed."""

    python: str = sys.executable
    _process: asyncio.subprocess.Process | None = None
    _link: socket.socket | None = None
    _ready: asyncio.Future[None] | None = None
    _calls: dict[str, asyncio.Future[int]] = field(default_factory=dict)
    _words: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_WORDS))
    _watchers: set[asyncio.Task[None]] = field(default_factory=set)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Start the process if it does not run; it warms up by itself."""
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._spawn()

    async def call(self, invocation: Invocation, output: Output) -> int:
        """Run a call; return its exit code. Cancelling kills it."""
        await self.start()
        ready, link = self._ready, self._link
        if ready is None or link is None:
            raise EngineError("the Python runner is not running")
        await asyncio.wait_for(asyncio.shield(ready), _READY_SECONDS)
        call = secrets.token_hex(8)
        done = self._calls[call] = asyncio.get_running_loop().create_future()
        try:
            async with _Pipe(output, "stdout") as stdout, _Pipe(output, "stderr") as stderr:
                message = invocation.message(call)
                if len(message) > _MESSAGE_BYTES:
                    raise EngineError("the call's description is too large for the Python runner")
                socket.send_fds(link, [message], [stdout.inner, stderr.inner])
                stdout.handed_over()
                stderr.handed_over()
                code: int = await done
                await stdout.drained()
                await stderr.drained()
                return code
        except OSError as error:
            raise self._gone(error) from error
        finally:
            self._calls.pop(call, None)
            if not done.done() or done.cancelled():
                with suppress(OSError):
                    link.send(json.dumps({"kill": call}).encode())

    async def close(self) -> None:
        """End the process and with it every call."""
        if self._link is not None:
            self._unlink()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 5)
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
        for task in list(self._watchers):
            task.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _MESSAGE_BYTES)
        loop = asyncio.get_running_loop()
        self._words.clear()
        try:
            self._process = await asyncio.create_subprocess_exec(
                self.python,
                "-m",
                "drydock.engine.module.runner",
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={
                    **{name: os.environ[name] for name in _STARTED_WITH if name in os.environ},
                    "PYTHONUNBUFFERED": "1",
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
            )
        finally:
            theirs.close()
        ours.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self._link, self._ready = ours, loop.create_future()
        loop.add_reader(ours.fileno(), self._hear)
        self._watch(self._listen_to(self._process))

    def _watch(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    async def _listen_to(self, process: asyncio.subprocess.Process) -> None:
        """Keep the runner's last words; fail its calls when it ends."""
        assert process.stderr is not None  # noqa: S101 - a pipe was asked for
        async for line in process.stderr:
            self._words.append(line.decode(errors="replace").rstrip())
        await process.wait()
        gone = self._gone(None)
        if process is self._process:
            self._unlink()
            if self._ready is not None and not self._ready.done():
                self._ready.set_exception(gone)
                self._ready.exception()  # looked at: perhaps nobody waits for a call
        for done in self._calls.values():
            if not done.done():
                done.set_exception(gone)

    def _unlink(self) -> None:
        if self._link is not None:
            asyncio.get_running_loop().remove_reader(self._link.fileno())
            self._link.close()
            self._link = None

    def _gone(self, error: OSError | None) -> EngineError:
        said = "\n".join(self._words) or (str(error) if error else "it said nothing")
        return EngineError(f"the Python runner ended unexpectedly: {said}")

    def _hear(self) -> None:
        """Handle what the runner sent."""
        assert self._link is not None  # noqa: S101 - this is its reader
        try:
            data = self._link.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._unlink()
            return
        message = json.loads(data)
        if message.get("ready") and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        done = self._calls.get(message.get("exit", ""))
        if done is not None and not done.done():
            done.set_result(message["code"])


class _Pipe:
    """A pipe whose inner end a function writes to; every read is handed to `output`."""

    def __init__(self, output: Output, stream: str) -> None:
        self._output, self._stream = output, stream
        self._outer, self.inner = os.pipe2(os.O_CLOEXEC)
        self._ended = asyncio.Event()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    async def __aenter__(self) -> _Pipe:
        os.set_blocking(self._outer, False)
        asyncio.get_running_loop().add_reader(self._outer, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop()
        self.handed_over()
        os.close(self._outer)

    def handed_over(self) -> None:
        """Close this process's copy of the inner end."""
        if self.inner >= 0:
            os.close(self.inner)
            self.inner = -1

    async def drained(self) -> None:
        """Wait until everything that was written has been read."""
        # A process that outlives its function may hold the pipe; the function's own words are in by now.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), 1.0)

    def _read(self) -> None:
        try:
            data = os.read(self._outer, 65536)
        except BlockingIOError:
            return
        text = self._decoder.decode(data, final=not data)
        if text:
            self._output(text, self._stream)
        if not data:
            self._stop()

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._outer)
        self._ended.set()
