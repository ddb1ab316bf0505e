"""`Socket`: a socket of the host that containers may use."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from drydock.engine.field import Call, field


@dataclass(frozen=True)
class Socket:
    """A unix socket of the host, by its path."""

    graphql_type: ClassVar[str] = "Socket"
    address: str

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        """Open a connection to it."""
        return await asyncio.open_unix_connection(self.address)


@field("Host.unixSocket", quiet=True)
async def unix_socket(_: object, call: Call, *, path: str) -> Socket:
    """Name a unix socket of the host; a relative path starts at the client's directory."""
    return Socket(str(call.session.workdir / Path(path)))
