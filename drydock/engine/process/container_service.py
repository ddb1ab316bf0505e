"""A container that runs as a service: started, waited for until it answers, stopped.

It counts as ready when its health check passes, or without one when each of its exposed TCP ports takes connections. What
it writes to its files is gone when it stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
from asyncio import StreamReader, StreamWriter
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError, ExecError
from drydock.engine.lazy import digest_of
from drydock.engine.process.command import Command, container_key
from drydock.engine.process.config import ExposedPort, HealthCheck
from drydock.engine.process.environment import engine_environment, nested_session
from drydock.engine.process.journal import STDERR, STDOUT, Journal
from drydock.engine.process.outcome import cut
from drydock.engine.process.output import Output
from drydock.engine.process.running import Running
from drydock.engine.process.sandbox import Sandbox, open_sandbox, setup_error
from drydock.engine.trace import current_span
from drydock.runtime.errors import CommandNotFound, NotExecutable, SetupFailed

if TYPE_CHECKING:
    from drydock.engine.process.secret_store import SecretStore
    from drydock.engine.process.service import SessionServices
    from drydock.engine.session import Session
    from drydock.engine.types.container import Container
    from drydock.runtime.network import Network
    from drydock.runtime.runner import Running as Process

STOP_SECONDS = 10.0
# A service that takes longer than this to listen does not come up any more.
READY_SECONDS = 600.0
_PROBE_SECONDS = (0.01, 0.5)  # first and longest pause between two probes
_HEALTH_SECONDS = (0.1, 1.0)  # the same for health checks, which cost a process each
_JOURNAL_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ContainerSource:
    """A service made of a container and a command."""

    container: Container
    command: Command

    @property
    def ports(self) -> tuple[ExposedPort, ...]:
        """The ports it says it listens on."""
        return self.container.config.ports

    async def key(self, secrets: SecretStore) -> str:
        """Return what makes two such services one."""
        command = {**asdict(self.command), "expect": ""}
        return digest_of("service", await container_key(self.container, secrets), command)

    async def start(self, services: SessionServices, hostname: str) -> Running:
        """Start it and wait until it is ready; ExecError if it ended before that."""
        session = services.session
        span = current_span().child(shlex.join(self.command.args), "Container.asService")
        async with AsyncExitStack() as stack:
            # Not `active`: the service ends in another task than it starts in.
            span.start()
            stack.callback(span.end)
            hosts = await stack.enter_async_context(services.bound(self.container.services))
            sandbox = await stack.enter_async_context(
                open_sandbox(
                    session,
                    self.container,
                    self.command,
                    name=hostname,
                    hosts=hosts,
                    env=engine_environment(session, span),
                    slot=False,
                )
            )
            sandbox.spec = replace(
                sandbox.spec, hosts={**hosts, hostname: sandbox.endpoint.address}
            )
            sandbox = await stack.enter_async_context(
                nested_session(session, sandbox, self.command)
            )
            sandbox.make_workdir()
            journal = Journal(_JOURNAL_BYTES)
            outputs = stack.enter_context(ExitStack())
            out = outputs.enter_context(
                Output(sandbox.scrubber(), journal, STDOUT, lambda text: span.log(text, "stdout"))
            )
            err = outputs.enter_context(
                Output(sandbox.scrubber(), journal, STDERR, lambda text: span.log(text, "stderr"))
            )
            process = await self._launch(session, sandbox, out, err)
            network = await session.engine.network()
            running = ContainerService(process, sandbox.endpoint.address, network)
            stack.push_async_callback(running.end_process, kill=True)
            await self._ready(running, journal)
            running.closing = stack.pop_all()
            return running
        raise AssertionError("unreachable")  # the stack swallows no exceptions

    async def _launch(
        self, session: Session, sandbox: Sandbox, out: Output, err: Output
    ) -> Process:
        try:
            return await session.engine.runner.start(
                sandbox.edit.path, sandbox.spec, stdout=out.write, stderr=err.write
            )
        except (CommandNotFound, NotExecutable) as error:
            raise ExecError(
                "exit code: 1",
                cmd=self.command.args,
                exit_code=1,
                stdout="",
                stderr=f"{error}\n",
            ) from error
        except SetupFailed as error:
            raise setup_error(str(error), self.command) from error

    async def _ready(self, running: ContainerService, journal: Journal) -> None:
        """Return when the service answers; raise if it ends before, or never does."""
        ended = asyncio.ensure_future(running.process.wait())
        probing = asyncio.ensure_future(self._probe(running))
        try:
            await asyncio.wait(
                {ended, probing}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if probing.done():
                await probing
                return
            if ended.done():
                raise self._ended(ended.result(), journal)
            raise EngineError(
                f"service did not listen within {READY_SECONDS:.0f} seconds: {self._wanted()}; "
                "check that it binds to 0.0.0.0 and not to 127.0.0.1"
            )
        finally:
            for task in (ended, probing):
                task.cancel()
            await asyncio.gather(ended, probing, return_exceptions=True)

    def _ended(self, exit_code: int, journal: Journal) -> EngineError:
        if exit_code == 0:
            return EngineError("service exited before healthcheck")
        return ExecError(
            f"exit code: {exit_code}",
            cmd=self.command.args,
            exit_code=exit_code,
            stdout=cut(journal.stdout),
            stderr=cut(journal.stderr),
        )

    def _wanted(self) -> str:
        return ", ".join(f"{port.port}/{port.protocol.lower()}" for port in self._probed())

    def _probed(self) -> list[ExposedPort]:
        return [
            port for port in self.ports if port.protocol == "TCP" and not port.skip_health_check
        ]

    async def _probe(self, running: ContainerService) -> None:
        check = self.container.config.health_check
        if check is not None:
            await _pass(running.process, check)
            return
        await asyncio.gather(*(_listens(running, port.port) for port in self._probed()))


class ContainerService(Running):
    """A container that runs as a service."""

    def __init__(self, process: Process, address: str, network: Network) -> None:
        self.process = process
        self.address = address
        self.closing = AsyncExitStack()
        self._network = network
        self._stopped = False
        self._waiter = asyncio.ensure_future(process.wait())

    @property
    def ended(self) -> bool:
        """Tell whether the process has ended."""
        return self._waiter.done()

    async def connect(self, port: int) -> tuple[StreamReader, StreamWriter]:
        """Open a connection to one of its ports."""
        return await self._network.open_connection(self.address, port)

    async def stop(self, *, kill: bool) -> None:
        """End the process and take its sandbox down."""
        if self._stopped:
            return
        self._stopped = True
        await self.end_process(kill=kill)
        await self.closing.aclose()

    async def end_process(self, *, kill: bool) -> None:
        """Ask the process to end, kill it if it does not."""
        if kill:
            await self.process.kill()
        else:
            await self.process.stop(STOP_SECONDS, signal.SIGTERM)
        await asyncio.gather(self._waiter, return_exceptions=True)


async def _listens(running: ContainerService, port: int) -> None:
    pause, longest = _PROBE_SECONDS
    while True:
        try:
            _, writer = await running.connect(port)
        except OSError:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, longest)
        else:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return


async def _pass(process: Process, check: HealthCheck) -> None:
    """Return when a health check passes once.

    Its interval is meant for the time after the start; until then somebody waits, so checks come closer together.
    """
    args = ("/bin/sh", "-c", *check.args) if check.shell else check.args
    nanoseconds = 1_000_000_000
    pause, longest = _HEALTH_SECONDS
    longest = min(longest, (check.start_interval or check.interval) / nanoseconds or longest)
    limit = check.timeout / nanoseconds or 30.0
    while True:
        try:
            code = await process.exec(
                args, stdout=lambda _: None, stderr=lambda _: None, timeout=limit
            )
        except (TimeoutError, CommandNotFound, NotExecutable):
            code = 1
        if code == 0:
            return
        await asyncio.sleep(min(pause, longest))
        pause *= 1.5
