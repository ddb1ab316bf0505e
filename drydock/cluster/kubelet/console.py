"""The input of a container that keeps it open (`stdin: true`), and its terminal (`tty: true`).

A container makes one per run; `kubectl attach` and `kubectl run -i` write to it. Invariant: the process
sees the end of its input when whoever typed has ended and the input is for once, and no descriptor
outlives the run.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncIterator

from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.logs import ContainerLog
from drydock.runtime.process import Sink


class Console:
    """The streams of one run."""

    def __init__(self, spec: Obj, log: ContainerLog) -> None:
        self._once = bool(spec.get("stdinOnce"))
        self._far = -1
        """The end that belongs to the process, until it has its own copy."""
        self._near = -1
        self.stdin: bytes | int = b""
        self.stdout: Sink = log.sink("stdout")
        self.stderr: Sink = log.sink("stderr")
        self._take = log.sink("stdout")
        self._terminal = bool(spec.get("tty"))
        if self._terminal:
            self._near, self._far = os.openpty()
            os.set_blocking(self._near, False)
            self.stdin = self.stdout = self.stderr = self._far
            asyncio.get_running_loop().add_reader(self._near, self._read)
        elif spec.get("stdin"):
            self._far, self._near = os.pipe()
            self.stdin = self._far

    def handed_over(self) -> None:
        """Close this side's copy of what the process has by now."""
        if self._far >= 0:
            os.close(self._far)
            self._far = -1

    async def type(self, pieces: AsyncIterator[bytes]) -> None:
        """Type until there is no more; then the input ends, if it is for once."""
        async for piece in pieces:
            if self._near >= 0:
                await asyncio.to_thread(_write_all, self._near, piece)
        if self._once and not self._terminal and self._near >= 0:
            os.close(self._near)
            self._near = -1

    def close(self) -> None:
        """Let go of everything, what was said last included."""
        self.handed_over()
        if self._near < 0:
            return
        if self._terminal:
            self._read()
            asyncio.get_running_loop().remove_reader(self._near)
        os.close(self._near)
        self._near = -1

    def _read(self) -> None:
        try:
            piece = os.read(self._near, 1 << 16)
        except (BlockingIOError, OSError):
            return
        if piece:
            self._take(piece)


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [], 1.0)
        except (BrokenPipeError, OSError):
            return  # the process has ended
