"""Network (being filled): signatures as in docs/contracts.md."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

NAMESERVER = "10.0.2.3"
Handler = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Endpoint:
    """A network namespace on the bridge; `namespace` can be opened as long as the endpoint is attached."""

    address: str
    namespace: Path


class Network:
    """The bridge network of one engine or cluster process; use as `async with Network() as network`."""

    def __init__(self, subnet: str = "10.87.0.0/16", *, uplink: bool = True) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Network:
        raise NotImplementedError

    async def __aexit__(self, *_: object) -> None:
        raise NotImplementedError

    async def attach(self, *, address: str | None = None) -> Endpoint:
        raise NotImplementedError

    async def release(self, endpoint: Endpoint) -> None:
        raise NotImplementedError

    async def open_connection(self, address: str, port: int) -> tuple[StreamReader, StreamWriter]:
        raise NotImplementedError

    async def listen(self, handler: Handler, address: str, port: int) -> asyncio.Server:
        raise NotImplementedError

    def claim_address(self) -> str:
        raise NotImplementedError

    async def nft(self, ruleset: str) -> None:
        raise NotImplementedError
