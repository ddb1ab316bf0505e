"""Configuration of containers: variables, working directory, user, command, labels, ports, health check."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Protocol

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, attributes, field
from drydock.engine.process.config import ExposedPort, HealthCheck
from drydock.engine.process.durations import (
    InvalidDurationError,
    format_duration,
    parse_duration,
)
from drydock.engine.types.container import Container


class _EnvFile(Protocol):
    """What is needed of an `EnvFile`."""

    async def pairs(self) -> list[tuple[str, str]]:
        """Return names and values, expanded if the file wants that."""


@dataclass(frozen=True)
class EnvVariable:
    """A variable as the API shows it."""

    graphql_type: ClassVar[str] = "EnvVariable"
    name: str
    value: str


@dataclass(frozen=True)
class Label:
    """A label as the API shows it."""

    graphql_type: ClassVar[str] = "Label"
    name: str
    value: str


@dataclass(frozen=True)
class Port:
    """An exposed port as the API shows it."""

    graphql_type: ClassVar[str] = "Port"
    port: int
    protocol: str
    description: str | None
    experimental_skip_healthcheck: bool

    @classmethod
    def of(cls, port: ExposedPort) -> Port:
        """Show a port of a configuration."""
        return cls(port.port, port.protocol, port.description, port.skip_health_check)


@dataclass(frozen=True)
class HealthcheckConfig:
    """A health check as the API shows it: durations as text."""

    graphql_type: ClassVar[str] = "HealthcheckConfig"
    args: list[str]
    shell: bool
    interval: str
    timeout: str
    start_period: str
    start_interval: str
    retries: int


attributes("EnvVariable", "name", "value")
attributes("Label", "name", "value")
attributes("Port", "port", "protocol", "description", "experimentalSkipHealthcheck")
attributes(
    "HealthcheckConfig",
    "args",
    "shell",
    "interval",
    "timeout",
    "startPeriod",
    "startInterval",
    "retries",
)


# ---------------------------------------------------------------- variables


@field("Container.envVariables")
async def env_variables(self: Container, _: Call) -> list[EnvVariable]:
    """Return the variables in order; neither secret nor volatile ones."""
    await self.evaluate()
    return [EnvVariable(name, value) for name, value in self.config.variables().items()]


@field("Container.envVariable", quiet=True)
async def env_variable(self: Container, _: Call, *, name: str) -> str | None:
    """Return one variable's value, None if it is not set."""
    await self.evaluate()
    return self.config.variables().get(name)


@field("Container.withEnvVariable")
async def with_env_variable(
    self: Container, _: Call, *, name: str, value: str, expand: bool
) -> Container:
    """Set a variable."""
    return self.configured(self.config.with_variable(name, self.text(value, expand=expand)))


@field("Container.withoutEnvVariable")
async def without_env_variable(self: Container, _: Call, *, name: str) -> Container:
    """Remove a variable."""
    return self.configured(self.config.without_variable(name))


@field("Container.withEnvFileVariables")
async def with_env_file_variables(self: Container, _: Call, *, source: _EnvFile) -> Container:
    """Set all variables of an environment file."""
    config = self.config
    for name, value in await source.pairs():
        config = config.with_variable(name, value)
    return self.configured(config)


@field("Container.withVolatileVariable")
async def with_volatile_variable(self: Container, _: Call, *, name: str, value: str) -> Container:
    """Set a variable that reaches commands but is part of no cache key and of no image."""
    kept = tuple(item for item in self.volatile_variables if item[0] != name)
    return self.changed(volatile_variables=(*kept, (name, value)))


@field("Container.withoutVolatileVariable")
async def without_volatile_variable(self: Container, _: Call, *, name: str) -> Container:
    """Remove a volatile variable."""
    kept = tuple(item for item in self.volatile_variables if item[0] != name)
    return self.changed(volatile_variables=kept)


# ---------------------------------------------------------------- working directory, user, command


@field("Container.workdir", quiet=True)
async def workdir(self: Container, _: Call) -> str:
    """Return the working directory as it was set."""
    await self.evaluate()
    return self.config.workdir


@field("Container.withWorkdir")
async def with_workdir(self: Container, _: Call, *, path: str, expand: bool) -> Container:
    """Change the working directory; a relative one is joined to the present one."""
    return self.configured(self.config.with_workdir(self.text(path, expand=expand)))


@field("Container.withoutWorkdir")
async def without_workdir(self: Container, _: Call) -> Container:
    """Forget the working directory."""
    return self.configured(dataclasses.replace(self.config, workdir=""))


@field("Container.user", quiet=True)
async def user(self: Container, _: Call) -> str:
    """Return the user as it was set."""
    await self.evaluate()
    return self.config.user


@field("Container.withUser")
async def with_user(self: Container, _: Call, *, name: str) -> Container:
    """Run commands as `user[:group]`, names or numbers."""
    return self.configured(dataclasses.replace(self.config, user=name))


@field("Container.withoutUser")
async def without_user(self: Container, _: Call) -> Container:
    """Run commands as root again."""
    return self.configured(dataclasses.replace(self.config, user=""))


@field("Container.entrypoint", quiet=True)
async def entrypoint(self: Container, _: Call) -> list[str]:
    """Return the entrypoint."""
    await self.evaluate()
    return list(self.config.entrypoint)


@field("Container.withEntrypoint")
async def with_entrypoint(
    self: Container, _: Call, *, args: list[str], keep_default_args: bool
) -> Container:
    """Set the entrypoint, dropping the default arguments unless told to keep them."""
    config = self.config.with_entrypoint(tuple(args), keep_default_args=keep_default_args)
    return self.configured(config)


@field("Container.withoutEntrypoint")
async def without_entrypoint(self: Container, _: Call, *, keep_default_args: bool) -> Container:
    """Forget the entrypoint, and the default arguments unless told to keep them."""
    return self.configured(self.config.with_entrypoint((), keep_default_args=keep_default_args))


@field("Container.defaultArgs", quiet=True)
async def default_args(self: Container, _: Call) -> list[str]:
    """Return the default arguments."""
    await self.evaluate()
    return list(self.config.default_args)


@field("Container.withDefaultArgs")
async def with_default_args(self: Container, _: Call, *, args: list[str]) -> Container:
    """Set the default arguments."""
    return self.configured(dataclasses.replace(self.config, default_args=tuple(args)))


@field("Container.withoutDefaultArgs")
async def without_default_args(self: Container, _: Call) -> Container:
    """Forget the default arguments."""
    return self.configured(dataclasses.replace(self.config, default_args=()))


@field("Container.withDefaultTerminalCmd")
async def with_default_terminal_cmd(
    self: Container,
    _: Call,
    *,
    args: list[str],  # noqa: ARG001 - part of the schema; Drydock opens no terminals
    experimental_privileged_nesting: bool,  # noqa: ARG001
    insecure_root_capabilities: bool,  # noqa: ARG001
) -> Container:
    """Accept the command of terminals, which Drydock does not open."""
    return self


# ---------------------------------------------------------------- labels, annotations, platform


@field("Container.labels")
async def labels(self: Container, _: Call) -> list[Label]:
    """Return the labels."""
    await self.evaluate()
    return [Label(name, value) for name, value in self.config.labels]


@field("Container.label", quiet=True)
async def label(self: Container, _: Call, *, name: str) -> str | None:
    """Return one label's value, None if it is not set."""
    await self.evaluate()
    return dict(self.config.labels).get(name)


@field("Container.withLabel")
async def with_label(self: Container, _: Call, *, name: str, value: str) -> Container:
    """Set a label."""
    return self.configured(self.config.with_label(name, value))


@field("Container.withoutLabel")
async def without_label(self: Container, _: Call, *, name: str) -> Container:
    """Remove a label."""
    return self.configured(self.config.without_label(name))


@field("Container.withAnnotation")
async def with_annotation(self: Container, _: Call, *, name: str, value: str) -> Container:
    """Set an annotation of the manifest."""
    return self.configured(self.config.with_annotation(name, value))


@field("Container.withoutAnnotation")
async def without_annotation(self: Container, _: Call, *, name: str) -> Container:
    """Remove an annotation of the manifest."""
    return self.configured(self.config.without_annotation(name))


@field("Container.platform", quiet=True)
async def platform(self: Container, _: Call) -> str:
    """Return the platform."""
    await self.evaluate()
    return self.platform


# ---------------------------------------------------------------- ports, health check


@field("Container.exposedPorts")
async def exposed_ports(self: Container, _: Call) -> list[Port]:
    """Return the exposed ports."""
    await self.evaluate()
    return [Port.of(port) for port in self.config.ports]


@field("Container.withExposedPort")
async def with_exposed_port(
    self: Container,
    _: Call,
    *,
    port: int,
    protocol: str,
    description: str | None,
    experimental_skip_healthcheck: bool,
) -> Container:
    """Expose a port; a service of this container counts as ready when its TCP ports answer."""
    exposed = ExposedPort(port, protocol, description, experimental_skip_healthcheck)
    return self.configured(self.config.with_port(exposed))


@field("Container.withoutExposedPort")
async def without_exposed_port(self: Container, _: Call, *, port: int, protocol: str) -> Container:
    """Stop exposing a port."""
    return self.configured(self.config.without_port(port, protocol))


@field("Container.dockerHealthcheck")
async def docker_healthcheck(self: Container, _: Call) -> HealthcheckConfig | None:
    """Return the health check, None without one."""
    await self.evaluate()
    check = self.config.health_check
    if check is None:
        return None
    return HealthcheckConfig(
        args=list(check.args),
        shell=check.shell,
        interval=format_duration(check.interval),
        timeout=format_duration(check.timeout),
        start_period=format_duration(check.start_period),
        start_interval=format_duration(check.start_interval),
        retries=check.retries,
    )


@field("Container.withDockerHealthcheck")
async def with_docker_healthcheck(
    self: Container,
    _: Call,
    *,
    args: list[str],
    shell: bool | None,
    interval: str | None,
    timeout: str | None,  # noqa: ASYNC109 - a value of the image configuration, not of this call
    start_period: str | None,
    start_interval: str | None,
    retries: int | None,
) -> Container:
    """Set a health check in Docker's terms."""
    try:
        check = HealthCheck(
            args=tuple(args),
            shell=bool(shell),
            interval=parse_duration(interval or ""),
            timeout=parse_duration(timeout or ""),
            start_period=parse_duration(start_period or ""),
            start_interval=parse_duration(start_interval or ""),
            retries=retries or 0,
        )
    except InvalidDurationError as error:
        raise EngineError(str(error)) from error
    return self.configured(dataclasses.replace(self.config, health_check=check))


@field("Container.withoutDockerHealthcheck")
async def without_docker_healthcheck(self: Container, _: Call) -> Container:
    """Forget the health check."""
    return self.configured(dataclasses.replace(self.config, health_check=None))
