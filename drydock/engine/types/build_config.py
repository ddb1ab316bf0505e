"""A stage of a Dockerfile, and the instructions that change nothing but its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from dataclasses import replace

from drydock.engine.process.config import Config, ExposedPort, HealthCheck
from drydock.engine.process.dockerfile import Instruction, expand, pairs
from drydock.engine.process.durations import parse_duration
from drydock.engine.types.container import Container

_SHELL = ("/bin/sh", "-c")


@dataclass
class Stage:
    """A stage being built."""

    name: str
    container: Container
    shell: tuple[str, ...] = _SHELL
    args: dict[str, str] = attribute(default_factory=dict)
    command_set: bool = False

    def variables(self) -> dict[str, str]:
        """Return what references mean: arguments, overruled by the environment."""
        return {**self.args, **self.container.config.variables()}

    def expand(self, text: str) -> str:
        """Replace the references in a text."""
        return expand(text, self.variables())


def configure(stage: Stage, instruction: Instruction) -> None:
    """Carry out an instruction that changes nothing but the configuration."""
    config = stage.container.config
    match instruction.name:
        case "ENV":
            before = stage.variables()
            for name, value in pairs(instruction):
                config = config.with_variable(expand(name, before), expand(value, before))
        case "LABEL":
            for name, value in pairs(instruction):
                config = config.with_label(stage.expand(name), stage.expand(value))
        case "WORKDIR":
            config = config.with_workdir(stage.expand(instruction.text))
        case "USER":
            config = replace(config, user=stage.expand(instruction.text))
        case "EXPOSE":
            for word in instruction.words():
                number, _, protocol = stage.expand(word).partition("/")
                config = config.with_port(ExposedPort(int(number), (protocol or "tcp").upper()))
        case "VOLUME":
            volumes = tuple(stage.expand(word) for word in instruction.words())
            config = replace(config, volumes=tuple(dict.fromkeys((*config.volumes, *volumes))))
        case "STOPSIGNAL":
            config = replace(config, stop_signal=stage.expand(instruction.text))
        case "SHELL":
            stage.shell = instruction.exec_form() or stage.shell
        case "CMD":
            config = replace(config, default_args=_command(stage, instruction))
            stage.command_set = True
        case "ENTRYPOINT":
            kept = config.default_args if stage.command_set else ()
            entrypoint = _command(stage, instruction)
            config = replace(config, entrypoint=entrypoint, default_args=kept)
        case "HEALTHCHECK":
            config = _health_check(config, instruction)
    stage.container = stage.container.configured(config)


def _command(stage: Stage, instruction: Instruction) -> tuple[str, ...]:
    words = instruction.exec_form()
    if words is not None:
        return words
    return (*stage.shell, instruction.text) if instruction.text else ()


def _health_check(config: Config, instruction: Instruction) -> Config:
    kind, _, rest = instruction.text.partition(" ")
    if kind.upper() == "NONE":
        return replace(config, health_check=None)
    words = replace(instruction, text=rest.strip()).exec_form()
    check = HealthCheck(
        args=words or (rest.strip(),),
        shell=words is None,
        interval=parse_duration(instruction.flag("interval")),
        timeout=parse_duration(instruction.flag("timeout")),
        start_period=parse_duration(instruction.flag("start-period")),
        start_interval=parse_duration(instruction.flag("start-interval")),
        retries=int(instruction.flag("retries") or 0),
    )
    return replace(config, health_check=check)
