"""The standard streams of a container: where its bytes come from and go to.

Called by runner.py. A stream that goes to a callable is a pipe read by the event loop; one that
goes to a file descriptor is handed to the process itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from drydock.runtime.process import Sink

_PIECE = 1 << 16
# How long a stream may stay open after the container ended; only a process outside of it can hold
# it that long.
_DRAIN_SECONDS = 5.0


class Outlet:
    """One output stream. `descriptor` goes to the process.

    Close it here once the process has it.
    """

    def __init__(self, sink: Sink, owner: int = 0) -> None:
        self._reader = -1
        self._sink: Callable[[bytes], None] | None = None
        self._ended = asyncio.Event()
        if isinstance(sink, int):
            self.descriptor = os.dup(sink)
            self._ended.set()
            return
        self._sink = sink
        self._reader, self.descriptor = os.pipe()
        # The process may open /dev/stdout anew, as who it is.
        os.fchown(self.descriptor, owner, -1)
        os.set_blocking(self._reader, False)
        asyncio.get_running_loop().add_reader(self._reader, self._read)

    def handed_over(self) -> None:
        """Close this side's copy of the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    async def drained(self) -> None:
        """Wait until everything written has reached the sink."""
        self.handed_over()
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            self._finish()

    def close(self) -> None:
        """Stop reading; what is still under way is lost."""
        self.handed_over()
        self._finish()

    def _read(self) -> None:
        try:
            data = os.read(self._reader, _PIECE)
        except BlockingIOError:
            return
        if data and self._sink is not None:
            self._sink(data)
        elif not data:
            self._finish()

    def _finish(self) -> None:
        if self._reader >= 0:
            asyncio.get_running_loop().remove_reader(self._reader)
            os.close(self._reader)
            self._reader = -1
        self._ended.set()


def inlet(content: bytes) -> int:
    """Return a descriptor that reads `content` to its end; the caller closes it."""
    if not content:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    descriptor = os.memfd_create("stdin", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
