"""Forward TCP ports to servers of other names: forward.py PORT=HOST:PORT...

One process that listens at every port of a set of servers, so that the whole set can be reached at one
address. Ends on SIGTERM; a server that does not answer costs its caller the connection, nobody else.
"""

import asyncio
import signal
import sys
from contextlib import suppress

CHUNK = 1 << 16
CONNECT_SECONDS = 10.0


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on one direction until its end, then close that direction."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError as error:
        sys.stderr.write(f"forward.py: {error}\n")
        writer.close()


async def connect(
    host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Pass on both directions of one connection until both have ended."""
    try:
        opened = asyncio.open_connection(host, port)
        far_reader, far_writer = await asyncio.wait_for(opened, CONNECT_SECONDS)
    except (OSError, TimeoutError) as error:
        told = str(error) or f"nothing within {CONNECT_SECONDS:.0f} s"
        sys.stderr.write(f"forward.py: {host}:{port} does not answer: {told}\n")
        return
    try:
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
    finally:
        far_writer.close()


async def serve(port: int, host: str, target: int) -> asyncio.Server:
    """Listen at a port and forward what comes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Only the end of the program cancels this; asyncio would tell of every open connection.
        with suppress(asyncio.CancelledError):
            await connect(host, target, reader, writer)
        writer.close()

    return await asyncio.start_server(handle, "0.0.0.0", port)  # noqa: S104 - inside a container


async def main(arguments: list[str]) -> int:
    """Forward until told to end."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    for argument in arguments:
        port, _, target = argument.partition("=")
        host, _, number = target.rpartition(":")
        await serve(int(port), host, int(number))
    await ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
