"""What runs in the pods of the bench: a small HTTP service that says its version and behaves as its image was told.

It stays behind in no other way than a real one: ready when it listens, and when it is asked to end it answers for
a while yet and closes each connection after its answer.
"""

import asyncio
import os
import signal
import time

VERSION, BEHAVIOUR = os.environ["VERSION"], os.environ["BEHAVIOUR"]
DRAIN_SECONDS, SLOW_SECONDS, LATE_SECONDS = 3, 1.5, 12
BORN = time.monotonic()
draining = asyncio.Event()


def status(path: str) -> int:
    """Decide what to answer; health and readiness are always good, so that only gates can tell."""
    if path.endswith(("/health", "/ready")):
        return 200
    late = BEHAVIOUR == "late" and time.monotonic() - BORN > LATE_SECONDS
    return 500 if BEHAVIOUR == "errors" or late else 200


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests on one connection until somebody has had enough."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = head.split(b" ", 2)[1].decode()
            if (
                BEHAVIOUR == "slow"
                and status(path) == 200
                and not path.endswith(("/health", "/ready"))
            ):
                await asyncio.sleep(SLOW_SECONDS)
            last = draining.is_set() or b"connection: close" in head.lower()
            body = VERSION.encode()
            told = [
                f"HTTP/1.1 {status(path)} Told",
                "content-type: text/plain",
                f"content-length: {len(body)}",
                f"connection: {'close' if last else 'keep-alive'}",
            ]
            writer.write("\r\n".join([*told, "", ""]).encode() + body)
            await writer.drain()
            if last:
                return
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


async def main() -> None:
    """Serve until asked to end, and a while longer."""
    if BEHAVIOUR == "crash":
        raise SystemExit("told to crash")
    server = await asyncio.start_server(serve, "0.0.0.0", 8000, backlog=512)  # noqa: S104
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, draining.set)
    await draining.wait()
    await asyncio.sleep(DRAIN_SECONDS)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
