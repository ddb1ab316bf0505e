"""One HTTP request and its answer, within a deadline that nothing on the other side can stretch.

Used by the prober and the gates. Every request has a connection of its own: what breaks is then the
service's doing, never a connection that somebody closed while it was idle. The deadline bounds the whole
exchange, also one whose answer comes byte by byte; only looking up a host's name has the system's own.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LIMIT_BYTES = 1 << 20
"""How much of a body is read; what comes after it is cut off."""
PIECE_BYTES = 1 << 16
BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
NO_HEADERS: Mapping[str, str] = {}


class Trouble(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    REFUSED = "connection refused"
    RESET = "connection reset"
    BROKEN = "broken answer"


class NoAnswerError(Exception):
    """A request that got no answer, or only a part of one; `begun` tells whether it got a part."""

    def __init__(self, trouble: Trouble, detail: str, *, begun: bool = False) -> None:
        super().__init__(f"{trouble}: {detail}" if detail else str(trouble))
        self.trouble, self.begun = trouble, begun


@dataclass(frozen=True)
class Target:
    """Where requests go: a unix socket or a host; `prefix` stands before every path."""

    host: str = "localhost"
    port: int | None = None
    tls: bool = False
    socket: Path | None = None
    prefix: str = ""


@dataclass(frozen=True)
class Reply:
    """A whole answer; names of headers are in small letters. `body` holds at most LIMIT_BYTES."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text, for people and for searches."""
        return self.body.decode(errors="replace")


def at(url: str) -> Target:
    """Reach what an http or https address names; raise ValueError when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no http or https address")
    tls, prefix = parts.scheme == "https", parts.path.rstrip("/")
    return Target(host=parts.hostname, port=parts.port, tls=tls, prefix=prefix)


def ask(
    target: Target, path: str, seconds: float, headers: Mapping[str, str] = NO_HEADERS
) -> Reply:
    """Send a GET and return the answer, whatever its status; raise NoAnswerError."""
    connection = _Connection(target, time.monotonic() + seconds)
    answer: http.client.HTTPResponse | None = None
    try:
        connection.request("GET", target.prefix + path, headers={"Connection": "close", **headers})
        answer = connection.getresponse()
        return _whole(answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        trouble, detail = _trouble(error)
        told = f"{detail} within {seconds:.3g} s" if trouble is Trouble.TIMEOUT else detail
        raise NoAnswerError(trouble, told, begun=answer is not None) from error
    finally:
        connection.close()


def _trouble(error: Exception) -> tuple[Trouble, str]:
    if isinstance(error, TimeoutError):
        return Trouble.TIMEOUT, "no whole answer"
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return Trouble.REFUSED, str(error)
    if isinstance(error, ConnectionError):
        return Trouble.RESET, str(error)
    return Trouble.BROKEN, f"{type(error).__name__}: {error}"


def _whole(answer: http.client.HTTPResponse) -> Reply:
    body = bytearray()
    while len(body) < LIMIT_BYTES and (piece := answer.read1(PIECE_BYTES)):
        body += piece
    headers = {name.lower(): value for name, value in answer.getheaders()}
    promised = headers.get("content-length", "")
    if promised.isdigit() and answer.status not in BODILESS:
        missing = min(int(promised), LIMIT_BYTES) - len(body)
        if missing > 0:
            raise http.client.IncompleteRead(bytes(body), missing)
    return Reply(answer.status, headers, bytes(body[:LIMIT_BYTES]))


class _Deadline:
    """A socket whose every read and write ends at one moment; mixed into the two kinds there are."""

    deadline: float

    def recv_into(self, *args: object, **kwargs: object) -> int:
        self._hurry()
        return int(super().recv_into(*args, **kwargs))  # type: ignore[misc]

    def sendall(self, *args: object, **kwargs: object) -> None:
        self._hurry()
        super().sendall(*args, **kwargs)  # type: ignore[misc]

    def _hurry(self) -> None:
        self.settimeout(_left(self.deadline))  # type: ignore[attr-defined]


class _PlainSocket(_Deadline, socket.socket):
    pass


class _SecureSocket(_Deadline, ssl.SSLSocket):
    pass


class _Connection(http.client.HTTPConnection):
    """A connection to a target, with the deadline of the whole exchange."""

    sock: Any

    def __init__(self, target: Target, deadline: float) -> None:
        default = http.client.HTTPS_PORT if target.tls else http.client.HTTP_PORT
        super().__init__(target.host, target.port or default)
        self._target, self._deadline = target, deadline

    def connect(self) -> None:
        problem: OSError | None = None
        for family, address in self._addresses():
            self.sock = _PlainSocket(family, socket.SOCK_STREAM)
            self.sock.deadline = self._deadline
            try:
                self.sock.settimeout(_left(self._deadline))
                self.sock.connect(address)
            except OSError as error:
                self.sock.close()
                problem = error
                continue
            if self._target.tls:
                self._secure()
            return
        raise problem or OSError(f"{self.host} has no address")

    def _addresses(self) -> Iterator[tuple[int, Any]]:
        if self._target.socket is not None:
            yield socket.AF_UNIX, str(self._target.socket)
            return
        for found in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            yield found[0], found[4]

    def _secure(self) -> None:
        context = ssl.create_default_context()
        context.sslsocket_class = _SecureSocket
        self.sock.settimeout(_left(self._deadline))
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        self.sock.deadline = self._deadline


def _left(deadline: float) -> float:
    """Count the seconds to a deadline; raise TimeoutError at its end: 0 would mean to wait for ever."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
