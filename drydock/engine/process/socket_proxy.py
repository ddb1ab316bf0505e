"""Unix sockets of the host inside a container: a socket of our own in front, with the owner that was asked for."""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from drydock.engine.process.relay import relay
from drydock.engine.types.socket import Socket


@asynccontextmanager
async def proxied(folder: Path, target: Socket, owner: tuple[int, int]) -> AsyncIterator[Path]:
    """Yield a socket in `folder` that leads to a socket of the host; it ends with the context."""

    async def accept(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            outer = await target.connect()
        except OSError:
            writer.close()
            return
        await relay((reader, writer), outer)

    path = folder / "s"
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Paths of unix sockets end at 107 bytes; this one is short wherever the state directory is.
        server = await asyncio.start_unix_server(accept, f"/proc/self/fd/{descriptor}/s")
    finally:
        os.close(descriptor)
    try:
        path.chmod(0o600)
        os.chown(path, *owner)
        yield path
    finally:
        server.close()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
