"""The engine's API inside another network: what functions and `experimentalPrivilegedNesting` need.

SDKs ask for the engine on 127.0.0.1 of where they run. A command's loopback is its own, so a socket is opened in there and
served from here. The token in the command's environment is what opens it; nobody else's loopback reaches it.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drydock.engine.process.relay import relay
from drydock.runtime.netns import inside

if TYPE_CHECKING:
    from drydock.engine.engine import Engine
    from drydock.runtime.network import Endpoint


@asynccontextmanager
async def session_port(engine: Engine, endpoint: Endpoint) -> AsyncIterator[int]:
    """Yield a port on the loopback of a network namespace that leads to the engine's server."""

    async def accept(reader: StreamReader, writer: StreamWriter) -> None:
        outer = await asyncio.open_connection("127.0.0.1", engine.port)
        await relay((reader, writer), outer)

    # The engine's own number, so that telemetry finds its way by the same variables as on the host.
    listening = await asyncio.to_thread(_listen, endpoint.namespace, engine.port)
    server = await asyncio.start_server(accept, sock=listening)
    try:
        yield engine.port
    finally:
        server.close()


def _listen(namespace: Path, port: int) -> socket.socket:
    """Return a socket that listens on the loopback of a namespace: a socket stays where it was made."""

    def make() -> socket.socket:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        return listening

    return inside(namespace, make)
