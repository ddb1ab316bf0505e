"""HTTP connections to registries, over TCP or over whatever the caller dials.

Called by registry.py. The engine reaches a registry that is one of its services through the bridge
network, so the one seam here is `Dial`: it returns the byte streams, everything above (TLS, HTTP,
authentication) stays the same.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import httpcore

Dial = Callable[[str, int], Awaitable[tuple[StreamReader, StreamWriter]]]
"""Opens the connection to (host, port).

Replaces the direct one, e.g. for `registry_service` tunnels.
"""

CONNECT_SECONDS = 5.0
_PIECE = 1 << 16
_MOST_CONNECTIONS = 8
_IDLE_SECONDS = 15.0


class _Stream(httpcore.AsyncNetworkStream):
    """Asyncio's two streams as httpcore wants them."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout):
                return await self._reader.read(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(f"no answer within {timeout:g} s") from error
        except (OSError, ssl.SSLError) as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout):
                self._writer.write(buffer)
                await self._writer.drain()
        except TimeoutError as error:
            raise httpcore.WriteTimeout(f"nothing taken within {timeout:g} s") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._writer.close()
        with suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the TLS handshake took too long") from error
        except (OSError, ssl.SSLError) as error:
            raise httpcore.ConnectError(str(error)) from error
        return self

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable":
            return self._reader.at_eof()
        return self._writer.get_extra_info({"ssl_object": "ssl_object"}.get(info, info))


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                return _Stream(*await self._dial(host, port))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host}:{port} does not answer") from error
        except OSError as error:
            raise httpcore.ConnectError(f"{host}:{port}: {_reason(error)}") from error

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _reason(error: OSError) -> str:
    """Return the system's words for a failed connection; asyncio's name the call instead."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error.strerror or error)


async def dial_directly(host: str, port: int) -> tuple[StreamReader, StreamWriter]:
    """Connect over this machine's own network."""
    return await asyncio.open_connection(host, port, limit=_PIECE)


def connection_pool(tls: ssl.SSLContext, dial: Dial | None = None) -> httpcore.AsyncConnectionPool:
    """Return a pool of connections that are opened by `dial`."""
    return httpcore.AsyncConnectionPool(
        ssl_context=tls,
        max_connections=_MOST_CONNECTIONS,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=_Backend(dial or dial_directly),
    )
