"""The names of Services inside pods: a small DNS server on the bridge.

The proxy runs it; pods find it in their resolv.conf. It answers `cluster.local` from the Services and
EndpointSlices it is shown and passes every other question to the machine's own resolver. Invariant: it
answers what it knows now, with no caching of its own, so a new Service can be resolved at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from drydock.runtime.errors import RuntimeFault
from drydock.runtime.network import NAMESERVER, Network

log = logging.getLogger(__name__)

ZONE = "cluster.local"
PORT = 53
TTL = 5
ANSWER_LIMIT = 32
FORWARD_SECONDS = 5.0
QUESTIONS_AT_ONCE = 256
LARGEST = 4096

TYPE_A, TYPE_CNAME, CLASS_IN = 1, 5, 1
OK, FAILED, UNKNOWN_NAME = 0, 2, 3
_HEADER = struct.Struct("!6H")


@dataclass(frozen=True)
class Found:
    """What a name stands for: addresses, or another name. Neither: known, but no address yet."""

    addresses: tuple[str, ...] = ()
    alias: str = ""


Lookup = Callable[[str], Found | None]
"""Takes the part of a name before `.svc.cluster.local`; None when there is no such Service."""


class NameServer:
    """Answers DNS questions of pods over UDP."""

    def __init__(self, network: Network, lookup: Lookup, *, address: str) -> None:
        self._network = network
        self._lookup = lookup
        self._address = address
        self._slots = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    async def run(self) -> None:
        """Answer until cancelled."""
        loop = asyncio.get_running_loop()
        own = await self._network.datagrams(self._address, PORT)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    packet, sender = await loop.sock_recvfrom(own, LARGEST)
                    await self._slots.acquire()
                    task = group.create_task(self._serve(own, packet, sender))
                    task.add_done_callback(lambda _: self._slots.release())
        finally:
            own.close()

    async def _serve(self, own: socket.socket, packet: bytes, sender: tuple[str, int]) -> None:
        try:
            reply = self.answer(packet) or await self._forward(packet)
            await asyncio.get_running_loop().sock_sendto(own, reply, sender)
        except (OSError, ValueError, RuntimeFault) as error:
            log.debug("name question from %s: %s", sender[0], error)

    def answer(self, packet: bytes) -> bytes | None:
        """Answer a question about the cluster's zone; None when it is about something else.

        Raises ValueError for a packet that is no question.
        """
        name, kind, end = question(packet)
        if name != ZONE and not name.endswith(f".{ZONE}"):
            return None
        inner = name.removesuffix(ZONE).rstrip(".")
        if not inner.endswith(".svc"):
            known = inner in ("", "svc")
            return _reply(packet, end, OK if known else UNKNOWN_NAME, [])
        found = self._lookup(inner.removesuffix(".svc"))
        if found is None:
            return _reply(packet, end, UNKNOWN_NAME, [])
        records = []
        if found.alias:
            records.append((TYPE_CNAME, _encoded(found.alias)))
        elif kind == TYPE_A:
            chosen = found.addresses[:ANSWER_LIMIT]
            records = [(TYPE_A, socket.inet_aton(address)) for address in chosen]
        return _reply(packet, end, OK, records)

    async def _forward(self, packet: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        outward = await self._network.datagrams("", 0)
        try:
            async with asyncio.timeout(FORWARD_SECONDS):
                await loop.sock_sendto(outward, packet, (NAMESERVER, PORT))
                return await loop.sock_recv(outward, LARGEST)
        except (TimeoutError, OSError):
            _, _, end = question(packet)
            return _reply(packet, end, FAILED, [])
        finally:
            outward.close()


def question(packet: bytes) -> tuple[str, int, int]:
    """Read the first question: name in lower case, type, and where it ends. Raises ValueError."""
    if len(packet) < _HEADER.size:
        raise ValueError("a packet that is too short")
    _, flags, count, *_ = _HEADER.unpack_from(packet)
    if flags & 0x8000 or count != 1:
        raise ValueError("a packet that is no question")
    labels, at = [], _HEADER.size
    while True:
        length = packet[at] if at < len(packet) else 0xFF
        if length == 0:
            break
        if length > 63 or at + 1 + length > len(packet):
            raise ValueError("a name that cannot be read")
        labels.append(packet[at + 1 : at + 1 + length].decode("ascii", errors="replace").lower())
        at += 1 + length
    if at + 5 > len(packet):
        raise ValueError("a question without a type")
    (kind,) = struct.unpack_from("!H", packet, at + 1)
    return ".".join(labels), kind, at + 5


def _reply(packet: bytes, end: int, code: int, records: list[tuple[int, bytes]]) -> bytes:
    number, flags, *_ = _HEADER.unpack_from(packet)
    # Answer, authoritative, recursion as desired and available.
    head = _HEADER.pack(number, 0x8480 | (flags & 0x0100) | code, 1, len(records), 0, 0)
    body = b"".join(
        struct.pack("!HHHIH", 0xC00C, kind, CLASS_IN, TTL, len(data)) + data
        for kind, data in records
    )
    return head + packet[_HEADER.size : end] + body


def _encoded(name: str) -> bytes:
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
