"""Port-forward inside a WebSocket: SPDY/3.1 frames, two streams per connection.

kubectl tunnels the old SPDY framing through a WebSocket. Each forwarded connection opens an error
stream and a data stream with the headers `streamtype`, `port` and `requestID`; bytes of the data
stream go to the pod's port and back. Only the frames that this use needs are spoken.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import zlib
from asyncio import StreamWriter
from dataclasses import dataclass, field

from drydock.cluster.message import Channel
from drydock.cluster.node import Node, NodeError
from drydock.cluster.subresources.spdy import DICTIONARY

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = (
    1, 2, 3, 4, 6, 7, 8, 9,
)  # fmt: skip
FIN = 1


@dataclass
class _Stream:
    """One half of a forwarded connection."""

    id: int
    headers: dict[str, str]
    writer: StreamWriter | None = None
    pending: list[bytes] = field(default_factory=list)
    ended: bool = False


async def forward(channel: Channel, node: Node, namespace: str, pod: str) -> None:
    """Serve port-forward streams until the client goes away."""
    session = _Session(channel, node, namespace, pod)
    try:
        await session.serve()
    finally:
        await session.close()


class _Session:
    def __init__(self, channel: Channel, node: Node, namespace: str, pod: str) -> None:
        self._channel = channel
        self._node, self._namespace, self._pod = node, namespace, pod
        self._streams: dict[int, _Stream] = {}
        self._errors: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    async def serve(self) -> None:
        buffer = b""
        while (data := await self._channel.receive()) is not None:
            buffer += data
            while len(buffer) >= 8:
                size = int.from_bytes(buffer[5:8], "big")
                if len(buffer) < 8 + size:
                    break
                frame, buffer = buffer[: 8 + size], buffer[8 + size :]
                await self._frame(frame)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for stream in self._streams.values():
            if stream.writer is not None:
                stream.writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _frame(self, frame: bytes) -> None:
        first = int.from_bytes(frame[:4], "big")
        flags, payload = frame[4], frame[8:]
        if not first >> 31:
            await self._data(first, payload, ended=bool(flags & FIN))
            return
        kind = first & 0xFFFF
        if kind == SYN_STREAM:
            await self._open(payload, flags)
        elif kind == PING:
            await self._control(PING, 0, payload)
        elif kind == RST_STREAM:
            stream = self._streams.pop(int.from_bytes(payload[:4], "big"), None)
            if stream is not None and stream.writer is not None:
                stream.writer.close()

    async def _open(self, payload: bytes, flags: int) -> None:
        number = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF
        stream = _Stream(number, self._headers(payload[10:]), ended=bool(flags & FIN))
        self._streams[number] = stream
        reply = number.to_bytes(4, "big") + self._compress({})
        await self._control(SYN_REPLY, 0, reply)
        request = stream.headers.get("requestid", "")
        if stream.headers.get("streamtype") == "error":
            self._errors[request] = number
            return
        task = asyncio.create_task(self._carry(stream, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, stream: _Stream, request: str) -> None:
        """Connect one data stream to the pod and bring back what it answers."""
        port = int(stream.headers.get("port", "0"))
        try:
            reader, writer = await self._node.port_forward(self._namespace, self._pod, port)
        except (NodeError, OSError) as error:
            text = f"error forwarding port {port} to pod {self._pod}: {error}"
            await self._finish(self._errors.get(request, 0), text.encode())
            await self._finish(stream.id, b"")
            return
        stream.writer = writer
        for data in stream.pending:
            writer.write(data)
        if stream.ended and writer.can_write_eof():
            writer.write_eof()
        try:
            while data := await reader.read(32768):
                await self._send(stream.id, data)
        except OSError as error:
            text = f"error reading from port {port} of pod {self._pod}: {error}"
            await self._finish(self._errors.pop(request, 0), text.encode())
        await self._finish(stream.id, b"")
        await self._finish(self._errors.get(request, 0), b"")
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _data(self, number: int, payload: bytes, *, ended: bool) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        if payload:
            if stream.writer is None:
                stream.pending.append(payload)
            else:
                stream.writer.write(payload)
                with contextlib.suppress(OSError):
                    await stream.writer.drain()
            window = struct.pack(">II", number, len(payload))
            await self._control(WINDOW_UPDATE, 0, window)
        if ended:
            stream.ended = True
            if stream.writer is not None and stream.writer.can_write_eof():
                with contextlib.suppress(OSError):
                    stream.writer.write_eof()

    async def _send(self, number: int, data: bytes, *, fin: bool = False) -> None:
        flags = FIN if fin else 0
        head = number.to_bytes(4, "big") + bytes([flags]) + len(data).to_bytes(3, "big")
        await self._channel.send(head + data)

    async def _finish(self, number: int, data: bytes) -> None:
        if number:
            await self._send(number, data, fin=True)

    async def _control(self, kind: int, flags: int, payload: bytes) -> None:
        head = struct.pack(">HH", 0x8003, kind) + bytes([flags]) + len(payload).to_bytes(3, "big")
        await self._channel.send(head + payload)

    def _headers(self, data: bytes) -> dict[str, str]:
        plain = self._inflate.decompress(data)
        count, at = int.from_bytes(plain[:4], "big"), 4
        found = {}
        for _ in range(count):
            parts = []
            for _ in range(2):
                size = int.from_bytes(plain[at : at + 4], "big")
                parts.append(plain[at + 4 : at + 4 + size].decode())
                at += 4 + size
            found[parts[0].lower()] = parts[1]
        return found

    def _compress(self, headers: dict[str, str]) -> bytes:
        plain = len(headers).to_bytes(4, "big")
        for name, value in headers.items():
            for text in (name, value):
                plain += len(text).to_bytes(4, "big") + text.encode()
        return self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
