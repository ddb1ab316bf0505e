"""Services that are no containers: ports of the host for containers, and ports of services for the host.

A host service listens on an address of its own on the bridge network, on the very ports that the host has, and passes
connections on to the host. A tunnel listens on the host's loopback and passes them on to a service.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError
from drydock.engine.lazy import digest_of
from drydock.engine.process.config import ExposedPort
from drydock.engine.process.running import Forwarder, Running

if TYPE_CHECKING:
    from drydock.engine.process.secret_store import SecretStore
    from drydock.engine.process.service import SessionServices
    from drydock.engine.types.service import Service

Streams = tuple[StreamReader, StreamWriter]
Handler = Callable[[StreamReader, StreamWriter], Awaitable[None]]
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Forward:
    """One port that leads to another; `frontend` 0 means any free one."""

    frontend: int
    backend: int
    protocol: str = "TCP"


@dataclass(frozen=True)
class HostSource:
    """Ports of the host, or of something that the host reaches."""

    host: str
    forwards: tuple[Forward, ...]

    @property
    def ports(self) -> tuple[ExposedPort, ...]:
        """The ports that containers see."""
        return tuple(ExposedPort(item.frontend, item.protocol) for item in self.forwards)

    async def key(self, _: SecretStore) -> str:
        """Return what makes two such services one."""
        ports = [[item.frontend, item.backend, item.protocol] for item in self.forwards]
        return digest_of("host", self.host, ports)

    async def start(self, services: SessionServices, _: str) -> Running:
        """Listen on the bridge network."""
        network = await services.session.engine.network()
        running = HostService(self, network.claim_address())
        try:
            for item in self.forwards:
                running.add(
                    await network.listen(running.accept(item), running.address, item.frontend)
                )
        except BaseException:
            await running.stop(kill=True)
            raise
        return running

    async def connect(self, port: int) -> Streams:
        """Open a connection to the host's port behind one of the frontends."""
        for item in self.forwards:
            if item.frontend == port:
                return await _dial(self.host, item.backend)
        shown = ", ".join(str(item.frontend) for item in self.forwards)
        raise EngineError(f"the service of {self.host} has no port {port}; it has {shown}")


class HostService(Running, Forwarder):
    """Listeners on the bridge network that lead to the host."""

    def __init__(self, source: HostSource, address: str) -> None:
        super().__init__()
        self.address = address
        self._source = source

    def accept(self, item: Forward) -> Handler:
        """Return the handler of one port's connections."""

        async def handle(reader: StreamReader, writer: StreamWriter) -> None:
            try:
                outer = await _dial(self._source.host, item.backend)
            except (OSError, TimeoutError):
                # What a client sees when nothing listens: the connection ends.
                writer.close()
                return
            await self.forward((reader, writer), outer)

        return handle

    async def connect(self, port: int) -> Streams:
        """Open a connection to the host's port behind one of the frontends."""
        return await self._source.connect(port)

    async def stop(self, *, kill: bool) -> None:  # noqa: ARG002 - nothing here needs time to end
        """Listen no more and end the connections."""
        await self.close()


@dataclass(frozen=True)
class TunnelSource:
    """Ports of the host's loopback that lead to a service."""

    service: Service
    forwards: tuple[Forward, ...]

    @property
    def ports(self) -> tuple[ExposedPort, ...]:
        """The ports of the host; those that are still to be chosen are 0."""
        return tuple(ExposedPort(item.frontend, item.protocol) for item in self.forwards)

    async def key(self, secrets: SecretStore) -> str:
        """Return what makes two such services one."""
        ports = [[item.frontend, item.backend, item.protocol] for item in self.forwards]
        return digest_of("tunnel", await self.service.key(secrets), ports)

    async def start(self, services: SessionServices, _: str) -> Running:
        """Start the service and listen on the host."""
        for item in self.forwards:
            if item.protocol != "TCP":
                raise EngineError(
                    f"cannot tunnel port {item.backend}/udp: Drydock's tunnels are TCP only"
                )
        running = TunnelService(services, self.service)
        try:
            await services.start(self.service)
            for item in self.forwards:
                await running.listen(item)
        except BaseException:
            await running.stop(kill=True)
            raise
        return running


class TunnelService(Running, Forwarder):
    """Listeners on the host's loopback that lead to a service."""

    def __init__(self, services: SessionServices, service: Service) -> None:
        super().__init__()
        self.ports: list[ExposedPort] = []  # as chosen
        self._services = services
        self._service = service

    async def listen(self, item: Forward) -> None:
        """Take connections for one port."""

        async def handle(reader: StreamReader, writer: StreamWriter) -> None:
            try:
                inner = await self._services.dial(self._service, item.backend)
            except (OSError, EngineError):
                writer.close()
                return
            await self.forward((reader, writer), inner)

        try:
            server = await asyncio.start_server(handle, "127.0.0.1", item.frontend)
        except OSError as error:
            raise EngineError(
                f"cannot listen on 127.0.0.1:{item.frontend}: {(error.strerror or '').lower()}; "
                "another program may use the port"
            ) from error
        self.add(server)
        chosen = server.sockets[0].getsockname()[1]
        self.ports.append(ExposedPort(chosen, item.protocol))

    async def connect(self, port: int) -> Streams:
        """Open a connection to one of the host's ports."""
        return await _dial("127.0.0.1", port)

    async def stop(self, *, kill: bool) -> None:  # noqa: ARG002 - nothing here needs time to end
        """Listen no more and end the connections."""
        await self.close()


async def _dial(host: str, port: int) -> Streams:
    async with asyncio.timeout(_CONNECT_SECONDS):
        return await asyncio.open_connection(host, port)
