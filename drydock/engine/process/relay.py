"""Bytes from one stream to another and back, until both sides have ended."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter

Streams = tuple[StreamReader, StreamWriter]
_CHUNK = 64 * 1024


async def relay(one: Streams, other: Streams) -> None:
    """Copy both ways; an end of file on one side is passed on as such, an error ends both."""
    tasks = [
        asyncio.create_task(_copy(one[0], other[1])),
        asyncio.create_task(_copy(other[0], one[1])),
    ]
    try:
        await asyncio.gather(*tasks)
    except (OSError, ConnectionError):
        pass  # whoever went away, went away: closing tells the other side
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, writer in (one, other):
            writer.close()
        for _, writer in (one, other):
            with contextlib.suppress(OSError, ConnectionError):
                await writer.wait_closed()


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
