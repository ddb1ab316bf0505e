"""One client process and everything that lives as long as it.

A `Session` has a main `Client` and one more per function call of a module; each has its own token and
its own query root. Objects made in a session are kept by id, so equal calls are answered once. Rooms
that keep something per session (secrets, services, logins) hang it on with `session.part(TheirClass)`
and clean up with `session.on_close`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .field import REGISTRY, Resolver
from .lazy import Flights
from .schema import Schema
from .trace import Span, Trace

if TYPE_CHECKING:
    from .engine import Engine

P = TypeVar("P")
log = logging.getLogger(__name__)
_CLOSE_SECONDS = 20.0


@dataclass(frozen=True)
class SessionSchema:
    """The types a session answers: the core's, plus what modules added."""

    schema: Schema
    resolvers: Mapping[str, Resolver] = field(default_factory=dict)

    def with_types(self, sdl: str, resolvers: Mapping[str, Resolver]) -> SessionSchema:
        """Return it with the types of a document and their resolvers (by `Type.field`)."""
        return SessionSchema(self.schema.with_types(sdl), {**self.resolvers, **resolvers})

    def resolver(self, type_name: str, field_name: str) -> Resolver | None:
        """Return who answers a field, None if nobody does."""
        name = f"{type_name}.{field_name}"
        return self.resolvers.get(name) or REGISTRY.get(name)


@dataclass(eq=False)
class Client:
    """Who asks: the session's process, or a function call of a module (`function_call` is set).

    `scope` keeps apart what clients of one session must not share; `schema` may differ between
    clients, because a module sees its own dependencies.
    """

    session: Session
    schema: SessionSchema
    span: Span
    scope: str = ""
    function_call: Any = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def extend_schema(self, sdl: str, resolvers: Mapping[str, Resolver]) -> None:
        """Add types and their resolvers for this client from now on."""
        self.schema = self.schema.with_types(sdl, resolvers)

    async def load(self, id_: str) -> Any:
        """Return the domain object of an id (CoercionError if it is none)."""
        from .execute import Walker

        await self.session.engine.types_loaded()
        return await Walker(self).load(id_)

    async def query(
        self, text: str, variables: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Answer a request in process; return HTTP status and body."""
        from .execute import execute

        return await execute(self, text, variables)


class Session:
    """The state of one client process; ends with it, whatever way it goes."""

    def __init__(
        self, engine: Engine, workdir: Path, environ: Mapping[str, str], version: str = ""
    ) -> None:
        self.id = secrets.token_hex(8)
        self.engine = engine
        self.workdir = workdir
        self.environ = dict(environ)
        self.version = version
        self.trace = Trace()
        self.closed = False
        self.objects: dict[str, Any] = {}  # id -> domain object
        self.flights = Flights()
        self._parts: dict[type[Any], Any] = {}
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._clients: dict[str, Client] = {}
        self.client = self.new_client(SessionSchema(engine.schema), self.trace.root())

    def new_client(
        self,
        schema: SessionSchema,
        span: Span,
        *,
        scope: str = "",
        function_call: Any = None,
    ) -> Client:
        """Admit a further client (a function call) with a token of its own."""
        client = Client(self, schema, span, scope, function_call)
        self._clients[client.token] = client
        self.engine.admit(client)
        return client

    async def drop_client(self, client: Client) -> None:
        """End a client: its token is no longer accepted and its queries are cancelled."""
        self._clients.pop(client.token, None)
        self.engine.dismiss(client)
        await _cancel(client.tasks)

    def extend_schema(self, sdl: str, resolvers: Mapping[str, Resolver]) -> None:
        """Add a module's types for the session's main client."""
        self.client.extend_schema(sdl, resolvers)

    def part(self, kind: type[P]) -> P:
        """Return this session's one object of a class, made on first use as `kind(session)`."""
        if kind not in self._parts:
            self._parts[kind] = kind(self)  # type: ignore[call-arg]
        return cast("P", self._parts[kind])

    def on_close(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Have something cleaned up when the session ends; the latest goes first."""
        self._closers.append(closer)

    async def close(self) -> None:
        """Cancel everything that runs for this session and clean up. Safe to call twice."""
        if self.closed:
            return
        self.closed = True
        for client in list(self._clients.values()):
            await self.drop_client(client)
        while self._closers:
            closer = self._closers.pop()
            try:
                await asyncio.wait_for(closer(), _CLOSE_SECONDS)
            except Exception:
                log.exception("session %s: clean-up failed", self.id)
        self.objects.clear()
        self.engine.forget(self)


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    running = [task for task in tasks if task is not asyncio.current_task()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
