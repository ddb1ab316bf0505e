"""One question of the gRPC health protocol (`grpc.health.v1.Health/Check`), as a probe asks it.

Just as much HTTP/2 as that needs: one stream, headers written out literally, and of the answer only the
message. A server that answers with an error sends no message, so its headers need not be read.
"""

from __future__ import annotations

import asyncio
import struct
from asyncio import StreamReader, StreamWriter

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
PADDED = 0x8
STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
SERVING = "SERVING"
LARGEST = 1 << 16


class NoAnswer(Exception):  # noqa: N818 - what the server did, not what went wrong here
    """The server ended the call without saying how the service is."""


async def check(reader: StreamReader, writer: StreamWriter, authority: str, service: str) -> str:
    """Return the state that a server tells of a service; raises NoAnswer or ConnectionError."""
    writer.write(PREFACE + _frame(SETTINGS, 0, 0, b"") + _request(authority, service))
    await writer.drain()
    message = b""
    while True:
        try:
            kind, flags, stream, payload = await _read(reader)
        except asyncio.IncompleteReadError:
            raise NoAnswer("the connection was closed") from None
        if kind == SETTINGS and not flags & ACK:
            writer.write(_frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            writer.write(_frame(PING, ACK, 0, payload))
        elif kind in (RST_STREAM, GOAWAY):
            raise NoAnswer("the call was reset")
        elif stream == 1 and kind == DATA:
            message += payload[1 : len(payload) - payload[0]] if flags & PADDED else payload
            if len(message) >= 5 and len(message) >= 5 + int.from_bytes(message[1:5], "big"):
                return STATES.get(_state(message[5:]), "UNKNOWN")
        if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
            raise NoAnswer("the call ended with an error")


async def _read(reader: StreamReader) -> tuple[int, int, int, bytes]:
    head = await reader.readexactly(9)
    size = int.from_bytes(head[:3], "big")
    if size > LARGEST:
        raise NoAnswer("the server does not speak HTTP/2")
    return head[3], head[4], int.from_bytes(head[5:9], "big"), await reader.readexactly(size)


def _request(authority: str, service: str) -> bytes:
    headers = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "kube-probe/1.36"),
    )
    block = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers)
    asked = b"\x0a" + _text(service) if service else b""
    body = b"\0" + struct.pack(">I", len(asked)) + asked
    return _frame(HEADERS, END_HEADERS, 1, block) + _frame(DATA, END_STREAM, 1, body)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload
    )


def _text(text: str) -> bytes:
    """Write a string with its length, which HPACK and protobuf do alike up to 126 bytes."""
    raw = text.encode()[:126]
    return bytes([len(raw)]) + raw


def _state(message: bytes) -> int:
    """Read field 1 of the answer; without it, the state is the first of the enumeration."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0
