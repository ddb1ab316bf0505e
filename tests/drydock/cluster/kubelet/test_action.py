"""What a failed probe says."""

from __future__ import annotations

import asyncio
import struct

import pytest

from drydock.cluster.kubelet.action import ActionError, perform
from tests.drydock.cluster.kubelet.conftest import free_port


class Here:
    """A container whose network is this machine's."""

    address = "127.0.0.1"
    spec: dict = {}  # noqa: RUF012 - nothing changes it

    async def connect(self, host: str, port: int):
        return await asyncio.open_connection(host, port)


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        ({"httpGet": {"port": 0, "path": "/x"}}, 'Get "http://127.0.0.1:{0}/x": {1}'),
        ({"tcpSocket": {"port": 0}}, "{1}"),
    ],
)
async def test_a_closed_port_is_told_in_the_kubelets_words(probe, text):
    """The text ends with the system's own words, without traces of the event loop."""
    port = free_port()
    for action in probe.values():
        action["port"] = port
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    with pytest.raises(ActionError) as caught:
        await perform(probe, Here(), timeout=5)
    assert str(caught.value) == text.format(port, refused)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload
    )


async def asked_of_a_health_server(answer: bytes, **more: str) -> list[bytes]:
    """Ask a server that answers with these frames; return the payloads of the frames that it got."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readexactly(24)).startswith(b"PRI * HTTP/2.0")
        writer.write(frame(4, 0, 0, b"") + frame(6, 0, 0, b"12345678"))
        while len(got) < 3:
            head = await reader.readexactly(9)
            got.append(await reader.readexactly(int.from_bytes(head[:3], "big")))
        writer.write(answer)
        await writer.drain()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        await perform({"grpc": {"port": port, **more}}, Here(), timeout=5)
    finally:
        server.close()
        await server.wait_closed()
    return got


def health(state: bytes) -> bytes:
    """Write headers, and a message in two pieces of which one is padded."""
    message = b"\0" + struct.pack(">I", len(state)) + state
    first = bytes([2]) + message[:3] + b"\0\0"
    return frame(1, 4, 1, b"\x88") + frame(0, 8, 1, first) + frame(0, 0, 1, message[3:])


async def test_a_serving_service_passes_its_grpc_probe():
    """The question names path and service, and the state is read across frames."""
    _, headers, body = await asked_of_a_health_server(health(b"\x08\x01"), service="shop")
    assert b"/grpc.health.v1.Health/Check" in headers
    assert body == b"\0\0\0\0\x06\x0a\x04shop"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (health(b"\x08\x02"), 'service unhealthy (responded with "NOT_SERVING")'),
        (health(b""), 'service unhealthy (responded with "UNKNOWN")'),
        (frame(1, 5, 1, b"\x88"), "error: health rpc probe failed: the call ended with an error"),
        (b"", "error: health rpc probe failed: the connection was closed"),
        (b"HTTP/1.1 400 no", "error: health rpc probe failed: the server does not speak HTTP/2"),
    ],
)
async def test_any_other_answer_fails_a_grpc_probe(answer: bytes, text: str):
    """And the event says which it was."""
    with pytest.raises(ActionError) as caught:
        await asked_of_a_health_server(answer)
    assert str(caught.value) == text
