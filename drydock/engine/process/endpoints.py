"""Network endpoints of commands, used again by the next command where that cannot be noticed.

Making and removing a network namespace costs more than most commands. Without the right to change the network (which only
`insecureRootCapabilities` gives), all that a command can leave behind in one are sockets in their last state (TIME_WAIT),
so an endpoint without any is as good as new. Services always get a fresh one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from drydock.runtime.netns import inside

if TYPE_CHECKING:
    from drydock.engine.session import Session
    from drydock.runtime.network import Endpoint

_MOST_IDLE = 4
_TABLES = ("tcp", "tcp6", "udp", "udp6")


class SessionEndpoints:
    """The endpoints of one session's commands."""

    def __init__(self, session: Session) -> None:
        self._engine = session.engine
        self._idle: list[Endpoint] = []
        self._going: set[asyncio.Task[None]] = set()
        session.on_close(self.close)

    async def take(self, *, fresh: bool = False) -> Endpoint:
        """Return an endpoint for one command."""
        if self._idle and not fresh:
            return self._idle.pop()
        network = await self._engine.network()
        return await network.attach()

    def give_back(self, endpoint: Endpoint, *, spoiled: bool = False) -> None:
        """Keep an endpoint for the next command, or give it up if it is `spoiled`; returns at once."""
        task = asyncio.ensure_future(self._sort(endpoint, spoiled=spoiled))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def close(self) -> None:
        """Give all endpoints up."""
        await asyncio.gather(*self._going, return_exceptions=True)
        network = await self._engine.network() if self._idle else None
        while self._idle and network is not None:
            await network.release(self._idle.pop())

    async def _sort(self, endpoint: Endpoint, *, spoiled: bool) -> None:
        if not spoiled and len(self._idle) < _MOST_IDLE:
            spoiled = not await asyncio.to_thread(_is_clean, endpoint.namespace)
        if not spoiled and len(self._idle) < _MOST_IDLE:
            self._idle.append(endpoint)
            return
        network = await self._engine.network()
        await network.release(endpoint)


def _is_clean(namespace: Path) -> bool:
    """Tell whether a namespace has no socket left. Blocking."""

    def look() -> bool:
        for table in _TABLES:
            file = Path("/proc/thread-self/net") / table
            # The first line names the columns.
            if file.exists() and len(file.read_text().splitlines()) > 1:
                return False
        return True

    return inside(namespace, look)
