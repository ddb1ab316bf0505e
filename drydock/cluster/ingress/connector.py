"""Connections of the HTTP client into the bridge network of the pods."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.client_proto import ResponseHandler

from drydock.runtime.network import Network

if TYPE_CHECKING:
    from aiohttp.client import ClientTimeout
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

MOST_CONNECTIONS = 1024


class BridgeConnector(aiohttp.BaseConnector):
    """Connects the HTTP client into the bridge network; every request gets a connection of its own."""

    def __init__(self, network: Network, source: str = "") -> None:
        super().__init__(force_close=True, limit=MOST_CONNECTIONS)
        self._network, self._source = network, source

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],  # noqa: ARG002
        timeout: ClientTimeout,  # noqa: ASYNC109
    ) -> ResponseHandler:
        host, port = req.url.raw_host or "", req.url.port or 80
        try:
            async with asyncio.timeout(timeout.sock_connect):
                made = await self._network.connect(host, port, source=self._source)
        except OSError as error:
            raise aiohttp.ClientConnectorError(req.connection_key, error) from error
        _, protocol = await self._loop.create_connection(self._factory, sock=made)
        return protocol
