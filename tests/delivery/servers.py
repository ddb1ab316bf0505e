"""Real servers that behave as a test says: they answer, are slow, hang, reset, drip or flap."""

import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from delivery.cluster import Cluster
from delivery.exchange import Target
from delivery.gate import Stage, Subject

RESET = "reset"
HANG = "hang"
Act = bytes | float | str
"""What is sent, how long is waited, or RESET or HANG."""


@dataclass(frozen=True)
class Asked:
    """One request as it came in; `number` counts from 0."""

    number: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


Behaviour = Callable[[Asked], Iterable[Act]]


def answer(status: int = 200, body: bytes = b"ok", **headers: str) -> bytes:
    """Write a whole answer; an underscore in a header's name is a dash."""
    told = {"content_length": str(len(body)), "cache_control": "no-cache, private", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in told.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Told", *lines, "", ""]).encode() + body


def always(status: int = 200, body: bytes = b"ok", after: float = 0, **headers: str) -> Behaviour:
    """Answer every request alike."""
    return lambda _asked: [after, answer(status, body, **headers)]


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave differently from request to request, then from the first again."""
    return lambda asked: behaviours[asked.number % len(behaviours)](asked)


def acting(*acts: Act) -> Behaviour:
    """Do the same to every request."""
    return lambda _asked: acts


class Server:
    """A server under way: what it does, what it was asked, and by how many at once before it answered them."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.secret: ssl.SSLContext | None = None
        self.asked: list[Asked] = []
        self.busiest = 0
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._busy = 0

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [each.path for each in self.asked]

    def serve(self, plain: socket.socket) -> None:
        """Serve one connection, in secret if there is a context for that."""
        if self.secret is None:
            self._serve(plain)
            return
        try:
            with self.secret.wrap_socket(plain, server_side=True) as connection:
                self._serve(connection)
        except OSError:
            pass  # The client does not trust us.

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        acts: list[Act] = []
        try:
            asked = self._read(connection)
            acts = list(self.behaviour(asked)) if asked else []
            for act in acts[:-1]:
                self._do(connection, act)
        except OSError:
            acts = []  # The client has had enough.
        finally:
            # Before the last act: with it the client is free for its next request.
            with self._lock:
                self._busy -= 1
        try:
            for act in acts[-1:]:
                self._do(connection, act)
        except OSError:
            pass  # The client has had enough.

    def _read(self, connection: socket.socket) -> Asked | None:
        text = b""
        while b"\r\n\r\n" not in text:
            piece = connection.recv(65536)
            if not piece:
                return None
            text += piece
        first, *lines = text.decode().split("\r\n\r\n")[0].split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        with self._lock:
            asked = Asked(len(self.asked), first.split()[1], headers)
            self.asked.append(asked)
        return asked

    def _do(self, connection: socket.socket, act: Act) -> None:
        if act == HANG:
            self.ended.wait()
        elif act == RESET:
            # Closing with no time to linger sends a reset instead of an end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        elif isinstance(act, bytes):
            connection.sendall(act)
        else:
            self.ended.wait(float(act))


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512
    behind: Server

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Serve without a handler class."""
        del client_address
        assert isinstance(request, socket.socket)
        self.behind.serve(request)
        request.close()


class _UnixListener(_Listener):
    address_family = socket.AF_UNIX


@contextmanager
def serving(behaviour: Behaviour, unix: Path | None = None) -> Iterator[tuple[Server, Target]]:
    """Serve on loopback, or on a unix socket as `kubectl proxy` does; give the way there."""
    server = Server(behaviour)
    listener: _Listener
    if unix is None:
        listener = _Listener(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        target = Target(host="127.0.0.1", port=listener.server_address[1])
    else:
        listener = _UnixListener(str(unix), socketserver.BaseRequestHandler)  # type: ignore[arg-type]
        target = Target(socket=unix)
    listener.behind = server
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server, target
    finally:
        server.ended.set()
        listener.shutdown()
        listener.server_close()
        thread.join()


@contextmanager
def cluster_of(behaviour: Behaviour, folder: Path) -> Iterator[tuple[Server, Cluster]]:
    """Give a cluster whose every answer a test decides, on the socket of `kubectl proxy`."""
    path = folder / "api.sock"
    with serving(behaviour, path) as (server, _):
        yield server, Cluster(None, path)


def subject(stage: Stage = Stage.PREVIEW, since: datetime | None = None, **more: str) -> Subject:
    """Give the green colour of a service named shop."""
    values = {
        "namespace": "near",
        "service": "shop",
        "colour": "green",
        "address": "shop-preview" if stage is Stage.PREVIEW else "shop",
        "health": "/health",
        "pods": "app=shop,colour=green",
        "baseline": "",
        **more,
    }
    return Subject(**values, stage=stage, since=since or datetime.now(UTC))  # type: ignore[arg-type]


def alive() -> None:
    """Go on."""


class Stopped(Exception):  # noqa: N818
    """What `alive` raises when the lock is lost."""


def stop_after(seconds: float) -> Callable[[], None]:
    """Make an `alive` that stops a gate after a while."""
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() >= end:
            raise Stopped

    return check
