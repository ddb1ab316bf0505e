"""Services start when needed, are shared, answer by name, and reach the host when they are told to."""

from __future__ import annotations

import asyncio
import dataclasses
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from drydock.engine.errors import EngineError, ExecError
from drydock.engine.process import service as service_module
from drydock.engine.process.command import Command
from drydock.engine.process.config import ExposedPort, HealthCheck
from drydock.engine.process.container_service import ContainerSource
from drydock.engine.process.host_service import Forward, HostSource, TunnelService, TunnelSource
from drydock.engine.process.service import SessionServices
from drydock.engine.session import Session
from drydock.engine.types.container import Container
from drydock.engine.types.service import Service

pytestmark = pytest.mark.root

QUIET: dict[str, Any] = {"stdout": lambda _: None, "stderr": lambda _: None}
ANSWERING = "while true; do echo from service | nc -l -p 8000; done"


@pytest.fixture
def services(session: Session) -> SessionServices:
    return session.part(SessionServices)


def service_of(box: Container, line: str, *ports: ExposedPort) -> Service:
    config = dataclasses.replace(box.config, ports=ports)
    return Service(ContainerSource(box.configured(config), Command(("sh", "-c", line))))


def bound(box: Container, *bindings: tuple[str, Service]) -> Container:
    return box.changed(services=bindings)


@pytest.fixture
async def greeter() -> AsyncIterator[int]:
    """Lend a port of the host's loopback that greets."""

    async def greet(_: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"from host\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def test_a_bound_service_answers_by_its_alias(box: Container, shell) -> None:
    service = service_of(box, ANSWERING, ExposedPort(8000))
    client = bound(box, ("web", service))
    assert "from service\n" in await shell.stdout(client, "sleep 0.2; nc web 8000 </dev/null")


async def test_equal_services_are_one_and_others_are_not(
    box: Container, services: SessionServices
) -> None:
    one = service_of(box, "sleep 60")
    equal = service_of(box, "sleep 60")
    other = service_of(box, "sleep 61")
    assert await services.start(one) is await services.start(equal)
    assert await services.start(one) is not await services.start(other)
    assert await services.hostname(one) == await services.hostname(equal)
    assert await services.hostname(one) != await services.hostname(other)


async def test_a_service_with_a_name_is_known_to_every_command(
    box: Container, shell, services: SessionServices
) -> None:
    service = dataclasses.replace(service_of(box, "sleep 60"), hostname="my-db")
    running = await services.start(service)
    assert running.address in await shell.stdout(box, "cat /etc/hosts")


async def test_a_service_that_ends_too_early_tells_its_code_and_streams(
    box: Container, services: SessionServices
) -> None:
    service = service_of(box, "echo going; echo down >&2; exit 4", ExposedPort(80))
    with pytest.raises(ExecError, match="exit code: 4") as caught:
        await services.start(service)
    assert caught.value.extensions["stdout"] == "going\n"
    assert caught.value.extensions["stderr"] == "down\n"
    with pytest.raises(EngineError, match="service exited before healthcheck"):
        await services.start(service_of(box, "true", ExposedPort(80)))


async def test_a_binding_s_failure_names_service_and_alias(box: Container, shell) -> None:
    service = service_of(box, "exit 4", ExposedPort(80))
    with pytest.raises(ExecError, match=r"start [a-z0-9]{13} \(aliased as web\): exit code: 4"):
        await shell.stdout(bound(box, ("web", service)), "true")


async def test_a_health_check_is_waited_for(box: Container, services: SessionServices) -> None:
    """It passes soon after the service is ready, however seldom it is meant to run later."""
    check = HealthCheck(("test -e /tmp/ready",), shell=True, interval=30_000_000_000)
    config = dataclasses.replace(box.config, health_check=check)
    line = "sleep 0.3; echo > /tmp/ready; sleep 60"
    source = ContainerSource(box.configured(config), Command(("sh", "-c", line)))
    async with asyncio.timeout(10):
        running = await services.start(Service(source))
    assert not running.ended
    assert (await running.process.exec(("cat", "/tmp/ready"), **QUIET)) == 0


async def test_a_stopped_service_starts_anew(box: Container, services: SessionServices) -> None:
    service = service_of(box, "sleep 60")
    first = await services.start(service)
    await services.stop(service, kill=True)
    assert first.ended
    assert await services.start(service) is not first


async def test_an_idle_service_is_stopped(
    box: Container, shell, services: SessionServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "IDLE_SECONDS", 0.05)
    service = service_of(box, "sleep 60")
    await shell.stdout(bound(box, ("web", service)), "true")
    entry = next(iter(services._entries.values()))
    async with asyncio.timeout(20):
        await entry.running._waiter
    assert services._entries == {}


async def test_a_host_s_port_has_the_same_number_in_containers(
    box: Container, shell, greeter: int
) -> None:
    service = Service(HostSource("127.0.0.1", (Forward(greeter, greeter),)))
    client = bound(box, ("registry", service))
    assert await shell.stdout(client, f"nc registry {greeter} </dev/null") == "from host\n"


async def test_a_number_that_is_no_port_is_refused(session: Session) -> None:
    _, answer = await session.client.query("{ host { service(ports: [{backend: 99999}]) { id } } }")
    assert answer["errors"][0]["message"] == "99999 is no port; give a number from 1 to 65535"


async def test_a_tunnel_leads_from_the_host_into_a_service(
    box: Container, services: SessionServices
) -> None:
    service = service_of(box, ANSWERING, ExposedPort(8000, skip_health_check=True))
    running = await services.start(Service(TunnelSource(service, (Forward(0, 8000),))))
    assert isinstance(running, TunnelService)
    text = b""
    async with asyncio.timeout(20):
        while not text:  # until the service listens
            reader, writer = await asyncio.open_connection("127.0.0.1", running.ports[0].port)
            text = await reader.read()
            writer.close()
    assert text == b"from service\n"


async def test_all_services_end_with_the_session(
    box: Container, session: Session, services: SessionServices
) -> None:
    running = await services.start(service_of(box, "sleep 60"))
    await session.close()
    assert running.ended
