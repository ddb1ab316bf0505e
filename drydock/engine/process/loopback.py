"""A loopback port of this machine that leads to a service, for programs that know no other way (git, curl)."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .relay import relay

if TYPE_CHECKING:
    from drydock.engine.types.service import Service

    from .service import SessionServices


@asynccontextmanager
async def loopback_port(
    services: SessionServices, service: Service, port: int
) -> AsyncIterator[int]:
    """Start the service if needed, and lend a port on 127.0.0.1 that is connected to one of its ports."""

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            other = await services.dial(service, port)
        except OSError:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return
        await relay((reader, writer), other)

    async with services.used(service):
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await server.wait_closed()
