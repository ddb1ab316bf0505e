"""The request and the response that travel through the API, free of any transport.

`server.py` makes them from HTTP, `client.py` makes them in process. A request body is either bytes
with their content type or an object that the caller gives away; a response body is an object,
bytes, or a stream of watch events.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from drydock.cluster.errors import Obj


@dataclass(frozen=True)
class User:
    """Who asks: name, groups, and what authentication adds (service account claims)."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Request:
    """One call of the API.

    `query` keeps the last value of a repeated key in `query` and all of them in `queries`.
    """

    method: str
    path: str
    user: User
    query: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes | Obj | list[Obj] = b""
    warnings: list[str] = field(default_factory=list)  # kept when the request ends in an error

    @property
    def content_type(self) -> str:
        """Return the media type of the body without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def manager(self) -> str:
        """Return the field manager: named by the caller, else the first word of its user agent."""
        given = self.query.get("fieldManager")
        if given is not None:
            return given
        return self.headers.get("user-agent", "").partition("/")[0] or "unknown"


class Channel(Protocol):
    """A WebSocket as exec and port-forward see it; the server implements it."""

    subprotocol: str

    async def receive(self) -> bytes | None:
        """Return the next binary message, None when the client is gone."""
        ...

    async def send(self, data: bytes) -> None:
        """Send a binary message."""
        ...

    async def close(self) -> None:
        """Say goodbye."""
        ...


@dataclass(frozen=True)
class Upgrade:
    """What runs on a connection that becomes a WebSocket."""

    protocols: tuple[str, ...]
    run: Callable[[Channel], Awaitable[None]]


@dataclass
class Response:
    """What the API answers; `warnings` become Warning headers, `passed_on` are headers of somebody it asked."""

    code: int = 200
    body: Obj | bytes | AsyncIterator[Obj] | AsyncIterator[bytes] = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    passed_on: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    upgrade: Upgrade | None = None
