"""`Service`: something with ports that runs while others need it."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.lazy import digest_of
from drydock.engine.process.command import Command
from drydock.engine.process.container_service import ContainerSource
from drydock.engine.process.host_service import (
    Forward,
    HostSource,
    TunnelService,
    TunnelSource,
)
from drydock.engine.process.service import SessionServices
from drydock.engine.types.container import Container
from drydock.engine.types.container_config import Port

if TYPE_CHECKING:
    from drydock.engine.process.secret_store import SecretStore

_PORT_LIMIT = 65536


@dataclass(frozen=True)
class Service:
    """A service: what it is, and the host name it was given ("" for one made of its content)."""

    graphql_type: ClassVar[str] = "Service"
    source: ContainerSource | HostSource | TunnelSource
    hostname: str = ""

    async def key(self, secrets: SecretStore) -> str:
        """Return what makes two services one."""
        return digest_of(await self.source.key(secrets), self.hostname)


def _services(call: Call) -> SessionServices:
    return call.session.part(SessionServices)


# ---------------------------------------------------------------- from containers


@field("Container.asService")
async def as_service(
    self: Container,
    _: Call,
    *,
    args: list[str],
    use_entrypoint: bool,
    experimental_privileged_nesting: bool,
    insecure_root_capabilities: bool,
    expand: bool,
    no_init: bool,
) -> Service:
    """Make a service of a container and a command."""
    return service_of(
        self,
        args,
        use_entrypoint=use_entrypoint,
        nested=experimental_privileged_nesting,
        privileged=insecure_root_capabilities,
        expand=expand,
        init=not no_init,
    )


def service_of(
    container: Container,
    args: list[str],
    *,
    use_entrypoint: bool,
    nested: bool,
    privileged: bool,
    expand: bool,
    init: bool,
) -> Service:
    """Return the service of a container; EngineError if there is nothing to run."""
    command = container.config.service_command(
        tuple(container.text(arg, expand=expand) for arg in args), use_entrypoint=use_entrypoint
    )
    if not command:
        raise EngineError("no service command has been set")
    settings = Command(command, nested=nested, privileged=privileged, init=init)
    return Service(ContainerSource(container, settings))


@field("Container.withServiceBinding")
async def with_service_binding(
    self: Container, _: Call, *, alias: str, service: Service
) -> Container:
    """Let commands reach a service by a name; it runs while they do."""
    kept = tuple(item for item in self.services if item[0] != alias)
    return self.changed(services=(*kept, (alias, service)))


@field("Container.up", memo=False)
async def container_up(
    self: Container,
    call: Call,
    *,
    random: bool,
    ports: list[dict[str, Any]],
    args: list[str],
    use_entrypoint: bool,
    experimental_privileged_nesting: bool,
    insecure_root_capabilities: bool,
    expand: bool,
    no_init: bool,
) -> None:
    """Run the container as a service with its ports on the host, until the client goes."""
    service = service_of(
        self,
        args,
        use_entrypoint=use_entrypoint,
        nested=experimental_privileged_nesting,
        privileged=insecure_root_capabilities,
        expand=expand,
        init=not no_init,
    )
    await _up(service, call, ports, random=random)


# ---------------------------------------------------------------- fields


@field("Service.hostname", quiet=True)
async def hostname(self: Service, call: Call) -> str:
    """Return the name that the service has for containers."""
    if isinstance(self.source, TunnelSource):
        return "localhost"
    return await _services(call).hostname(self)


@field("Service.withHostname", quiet=True)
async def with_hostname(self: Service, _: Call, *, hostname: str) -> Service:
    """Give the service a name of its own, by which every container of the session reaches it while it runs."""
    return dataclasses.replace(self, hostname=hostname)


@field("Service.ports")
async def ports(self: Service, call: Call) -> list[Port]:
    """Return the ports, in the order they were exposed; those of a host only once it is started."""
    if isinstance(self.source, HostSource) and not await _services(call).runs(self):
        raise EngineError(
            f"failed to get service ports: service {await hostname(self, call)} is not running"
        )
    return [Port.of(port) for port in await _ports(self, call)]


@field("Service.endpoint", memo=False, quiet=True)
async def endpoint(self: Service, call: Call, *, port: int | None, scheme: str) -> str:
    """Return `host:port` of a port, of the first one by default, as an address if a scheme is given."""
    if port is None:
        exposed = await _ports(self, call)
        if not exposed:
            raise EngineError("no ports exposed")
        port = exposed[0].port
    address = f"{await hostname(self, call)}:{port}"
    return f"{scheme}://{address}" if scheme else address


async def _ports(self: Service, call: Call) -> Any:
    if isinstance(self.source, TunnelSource):
        running = await _services(call).start(self)
        if isinstance(running, TunnelService):
            return running.ports
    return self.source.ports


@field("Service.start", memo=False)
async def start(self: Service, call: Call) -> Service:
    """Start the service and keep it running until `stop` or the end of the session."""
    await _services(call).start(self)
    return self


@field("Service.sync", memo=False)
async def sync(self: Service, call: Call) -> Service:
    """Start the service."""
    await _services(call).start(self)
    return self


@field("Service.stop", memo=False)
async def stop(self: Service, call: Call, *, kill: bool) -> Service:
    """Stop the service."""
    await _services(call).stop(self, kill=kill)
    return self


@field("Service.up", memo=False)
async def up(self: Service, call: Call, *, ports: list[dict[str, Any]], random: bool) -> None:
    """Run the service with its ports on the host, until the client goes."""
    await _up(self, call, ports, random=random)


async def _up(service: Service, call: Call, wanted: list[dict[str, Any]], *, random: bool) -> None:
    forwards = forwards_of(service, wanted, native=not random)
    tunnel = Service(TunnelSource(service, forwards))
    running = await _services(call).start(tunnel)
    if isinstance(running, TunnelService):
        for forward, port in zip(forwards, running.ports, strict=True):
            call.span.log(f"tunnel started: http://localhost:{port.port} -> {forward.backend}\n")
    try:
        # Ends by cancellation only: the client closes the session.
        await asyncio.Event().wait()
    finally:
        await asyncio.shield(_services(call).stop(tunnel, kill=False))


# ---------------------------------------------------------------- the host's side


@field("Host.service")
async def host_service(_: object, __: Call, *, ports: list[dict[str, Any]], host: str) -> Service:
    """Make ports of the host reachable for containers."""
    if not ports:
        raise EngineError("no ports specified")
    forwards = tuple(_forward(item) for item in ports)
    return host_ports(host, forwards)


def host_ports(host: str, forwards: tuple[Forward, ...]) -> Service:
    """Return the service of a host's ports; EngineError for what cannot be forwarded."""
    for item in forwards:
        if item.protocol != "TCP":
            raise EngineError(
                f"cannot forward port {item.backend}/udp of {host}: Drydock forwards TCP only; "
                "a real Dagger Engine forwards UDP as well"
            )
    return Service(HostSource(host, forwards))


@field("Host.tunnel")
async def host_tunnel(
    _: object, __: Call, *, service: Service, native: bool, ports: list[dict[str, Any]]
) -> Service:
    """Make a service reachable on the host's loopback."""
    return Service(TunnelSource(service, forwards_of(service, ports, native=native)))


def forwards_of(
    service: Service, wanted: list[dict[str, Any]], *, native: bool
) -> tuple[Forward, ...]:
    """Return which ports of the host lead to which of a service: the wanted ones, else all that it exposes."""
    forwards = [_forward(item, random=True) for item in wanted]
    if native or not forwards:
        taken = {item.backend for item in forwards}
        forwards += [
            Forward(port.port if native else 0, port.port, port.protocol)
            for port in service.source.ports
            if port.port not in taken
        ]
    if not forwards:
        raise EngineError("no ports to forward")
    return tuple(forwards)


def _forward(item: dict[str, Any], *, random: bool = False) -> Forward:
    frontend = item["frontend"]
    if frontend is None:
        frontend = 0 if random else item["backend"]
    for number in (frontend, item["backend"]):
        if not 0 <= number < _PORT_LIMIT:
            raise EngineError(f"{number} is no port; give a number from 1 to {_PORT_LIMIT - 1}")
    return Forward(frontend, item["backend"], item["protocol"] or "TCP")
