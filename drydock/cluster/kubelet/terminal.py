"""One `kubectl exec`: a command in a running container with its streams, or a terminal.

The kubelet makes one per request. Invariant: whatever ends first (the command, the caller, the input),
every descriptor is closed and the command does not outlive its caller.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncIterator, Callable

from drydock.cluster.node import NodeError
from drydock.runtime.errors import RuntimeFault
from drydock.runtime.runner import Running

Sink = Callable[[bytes], None]


class Session:
    """A command and its streams."""

    def __init__(
        self,
        running: Running,
        *,
        stdin: AsyncIterator[bytes] | None,
        stdout: Sink,
        stderr: Sink,
        tty: bool,
    ) -> None:
        self._running = running
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._tty = tty

    async def run(self, command: tuple[str, ...]) -> int:
        """Run the command to its end; return the exit code."""
        try:
            if self._tty:
                return await self._in_terminal(command)
            return await self._plain(command)
        except RuntimeFault as error:
            text = f"failed to exec in container: {error}"
            raise NodeError(text, status=500) from error

    async def _plain(self, command: tuple[str, ...]) -> int:
        if self._stdin is None:
            return await self._running.exec(command, stdout=self._stdout, stderr=self._stderr)
        reader, writer = os.pipe()
        feeding = asyncio.create_task(self._feed(writer, self._stdin))
        try:
            return await self._running.exec(
                command, stdin=reader, stdout=self._stdout, stderr=self._stderr
            )
        finally:
            os.close(reader)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    async def _in_terminal(self, command: tuple[str, ...]) -> int:
        master, slave = os.openpty()
        os.set_blocking(master, False)
        loop = asyncio.get_running_loop()
        loop.add_reader(master, self._take, master)
        feeding = asyncio.create_task(self._type(master))
        try:
            code = await self._running.exec(command, stdin=slave, stdout=slave, stderr=slave)
            self._take(master)
            return code
        finally:
            loop.remove_reader(master)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            os.close(slave)
            os.close(master)

    def _take(self, master: int) -> None:
        try:
            piece = os.read(master, 1 << 16)
        except (BlockingIOError, OSError):
            return
        if piece:
            self._stdout(piece)

    async def _type(self, master: int) -> None:
        if self._stdin is None:
            return
        async for piece in self._stdin:
            await asyncio.to_thread(_write_all, master, piece)

    @staticmethod
    async def _feed(writer: int, stdin: AsyncIterator[bytes]) -> None:
        try:
            async for piece in stdin:
                await asyncio.to_thread(_write_all, writer, piece)
        except BrokenPipeError:
            return
        finally:
            os.close(writer)


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
