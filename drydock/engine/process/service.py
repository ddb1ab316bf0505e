"""Services of a session: started when something needs them, shared by equal ones, stopped when idle.

`bound` is what commands use: it starts what they are bound to and keeps it running meanwhile. A service that nobody uses
for some seconds is stopped, unless it was started explicitly; all of them end with the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError, ExecError
from drydock.engine.lazy import Flights
from drydock.engine.process.secret_store import SessionSecrets
from drydock.engine.trace import current_span

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from drydock.engine.process.running import Running
    from drydock.engine.session import Session
    from drydock.engine.types.service import Service

IDLE_SECONDS = 10.0


@dataclass
class _Entry:
    """A service that runs."""

    service: Service
    hostname: str
    running: Running
    users: int = 0
    pinned: bool = False  # started explicitly
    idle: asyncio.TimerHandle | None = None
    closing: set[asyncio.Task[None]] = field(default_factory=set)


class SessionServices:
    """The services of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._entries: dict[str, _Entry] = {}
        self._starting = Flights()
        self._stopping: set[asyncio.Task[None]] = set()
        session.on_close(self.close)

    async def key(self, service: Service) -> str:
        """Return what makes two services one."""
        return await service.key(self.session.part(SessionSecrets))

    async def hostname(self, service: Service) -> str:
        """Return the name that the service has for others."""
        return service.hostname or name_of(await self.key(service))

    async def start(self, service: Service) -> Running:
        """Start a service, if it does not run, and keep it until `stop` or the end of the session."""
        entry = await self._entry(service)
        entry.pinned = True
        return entry.running

    async def runs(self, service: Service) -> bool:
        """Tell whether a service runs now."""
        entry = self._entries.get(await self.key(service))
        return entry is not None and not entry.running.ended

    async def stop(self, service: Service, *, kill: bool) -> None:
        """Stop a service; one that does not run is no error."""
        entry = self._entries.pop(await self.key(service), None)
        if entry is not None:
            await self._end(entry, kill=kill)

    @asynccontextmanager
    async def used(self, service: Service) -> AsyncIterator[Running]:
        """Keep a service running for as long as the context lasts."""
        entry = await self._entry(service)
        entry.users += 1
        if entry.idle is not None:
            entry.idle.cancel()
            entry.idle = None
        try:
            yield entry.running
        finally:
            entry.users -= 1
            if entry.users == 0 and not entry.pinned:
                loop = asyncio.get_running_loop()
                entry.idle = loop.call_later(IDLE_SECONDS, self._retire, entry)

    @asynccontextmanager
    async def bound(
        self, bindings: Sequence[tuple[str, Service]]
    ) -> AsyncIterator[Mapping[str, str]]:
        """Start what a command is bound to; yield names and addresses for its /etc/hosts."""
        users = [self._use_as(alias, service) for alias, service in bindings]
        entered = await asyncio.gather(
            *(user.__aenter__() for user in users), return_exceptions=True
        )
        try:
            for outcome in entered:
                if isinstance(outcome, BaseException):
                    raise outcome
            hosts = {
                entry.service.hostname: entry.running.address
                for entry in self._entries.values()
                if entry.service.hostname and entry.running.address
            }
            for (alias, service), outcome in zip(bindings, entered, strict=True):
                if not isinstance(outcome, BaseException):
                    hosts[await self.hostname(service)] = outcome.address
                    hosts[alias] = outcome.address
            yield hosts
        finally:
            await asyncio.gather(
                *(
                    user.__aexit__(None, None, None)
                    for user, outcome in zip(users, entered, strict=True)
                    if not isinstance(outcome, BaseException)
                )
            )

    async def dial(self, service: Service, port: int) -> tuple[StreamReader, StreamWriter]:
        """Open a connection to a port of a service that runs."""
        entry = await self._entry(service)
        return await entry.running.connect(port)

    async def close(self) -> None:
        """Stop everything."""
        entries, self._entries = list(self._entries.values()), {}
        await asyncio.gather(*(self._end(entry, kill=False) for entry in entries))
        await asyncio.gather(*self._stopping, return_exceptions=True)

    # ------------------------------------------------------------ inside

    async def _entry(self, service: Service) -> _Entry:
        key = await self.key(service)
        entry = self._entries.get(key)
        if entry is not None and not entry.running.ended:
            return entry

        async def start() -> _Entry:
            hostname = await self.hostname(service)
            running = await service.source.start(self, hostname)
            made = _Entry(service, hostname, running)
            self._entries[key] = made
            return made

        try:
            return await self._starting.join(key, start)
        except EngineError as error:
            error.mark_lazy(current_span().traceparent)
            raise

    @asynccontextmanager
    async def _use_as(self, alias: str, service: Service) -> AsyncIterator[Running]:
        try:
            user = self.used(service)
            running = await user.__aenter__()
        except EngineError as error:
            hostname = await self.hostname(service)
            raise _named(error, f"start {hostname} (aliased as {alias})") from error
        try:
            yield running
        finally:
            await user.__aexit__(None, None, None)

    def _retire(self, entry: _Entry) -> None:
        for key, known in list(self._entries.items()):
            if known is entry:
                del self._entries[key]
                task = asyncio.ensure_future(self._end(entry, kill=False))
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)

    async def _end(self, entry: _Entry, *, kill: bool) -> None:
        if entry.idle is not None:
            entry.idle.cancel()
        await entry.running.stop(kill=kill)


def name_of(key: str) -> str:
    """Return a host name made of a key: 13 letters and digits, the first a letter."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    number = int(key, 16)
    name = alphabet[number % 26]
    number //= 26
    while len(name) < 13:
        number, digit = divmod(number, len(alphabet))
        name += alphabet[digit]
    return name


def _named(error: EngineError, what: str) -> EngineError:
    """Return the same error with what failed before its text."""
    if isinstance(error, ExecError):
        extensions = error.extensions
        return ExecError(
            f"{what}: {error.message}",
            cmd=extensions["cmd"],
            exit_code=extensions["exitCode"],
            stdout=extensions["stdout"],
            stderr=extensions["stderr"],
        )
    return EngineError(f"{what}: {error.message}", error.extensions, lazy=True)
