"""A service that runs: in a container, on the host, or as a tunnel from the host into another service.

Each kind has a `Source` (frozen, what the service is) and a `Running` (what it became). Made by `SessionServices` only.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter

from drydock.engine.process.relay import relay


class Running(abc.ABC):
    """Anything that answers on an address."""

    address = ""  # on the bridge network; "" if it has none

    @property
    def ended(self) -> bool:
        """Tell whether it has stopped by itself."""
        return False

    @abc.abstractmethod
    async def connect(self, port: int) -> tuple[StreamReader, StreamWriter]:
        """Open a connection to one of its ports."""

    @abc.abstractmethod
    async def stop(self, *, kill: bool) -> None:
        """Stop it; safe to call twice."""


class Forwarder:
    """Servers that pass each connection on to somewhere else."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()

    def add(self, server: asyncio.Server) -> None:
        """Close this server together with the others."""
        self._servers.append(server)

    async def forward(
        self, inner: tuple[StreamReader, StreamWriter], outer: tuple[StreamReader, StreamWriter]
    ) -> None:
        """Copy between two connections until both ended."""
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
        try:
            await relay(inner, outer)
        finally:
            if task is not None:
                self._connections.discard(task)

    async def close(self) -> None:
        """Take no more connections and end those under way."""
        for server in self._servers:
            server.close()
        for task in list(self._connections):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._connections, return_exceptions=True)
