"""What each instruction of a stage does to its container."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError
from drydock.engine.lazy import Lazy
from drydock.engine.process.config import ExposedPort, HealthCheck
from drydock.engine.process.durations import parse_duration

from .copying import copy_in
from .dockerfile import Heredoc, Instruction, fail
from .running import run_in
from .stages import SCRATCH, Build, Stage
from .words import expand, split

if TYPE_CHECKING:
    from drydock.engine.types.container import Container

_DEFAULT_SHELL = ("/bin/sh", "-c")
_MAX_PORT = 65535


@dataclass
class Follower:
    """One stage under way."""

    build: Build
    container: Container
    shared: Mapping[str, str]
    platforms: Mapping[str, str]
    shell: tuple[str, ...] = _DEFAULT_SHELL
    arguments: dict[str, str] = field(default_factory=dict)
    has_command: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """Return what references see: build arguments, overruled by the environment."""
        return {**self.arguments, **self.container.config.variables()}

    def expand(self, text: str) -> str:
        """Expand one word."""
        return expand(text, self.variables)

    def command(self, item: Instruction) -> tuple[str, ...]:
        """Return the exec form, or the shell that runs the text."""
        return item.words if item.words is not None else (*self.shell, item.text)

    async def follow(self, item: Instruction) -> None:
        """Do one instruction."""
        await _HANDLERS[item.keyword](self, item)


async def follow_stage(build: Build, stage: Stage, shared: Mapping[str, str]) -> Container:
    """Return the container that a stage ends with."""
    platforms = platform_arguments(build)
    container = await _base(build, stage)
    follower = Follower(build, container, shared, platforms)
    for item in stage.instructions:
        await follower.follow(item)
    return follower.container


async def _base(build: Build, stage: Stage) -> Container:
    from drydock.engine.execute import ROOT

    if stage.base.lower() in build.stages:
        return build.stages[stage.base.lower()]
    platform = stage.platform or None
    if stage.base == SCRATCH:
        return await build.steps.container(ROOT, "container", platform=platform or build.platform)
    return await build.image(stage.base, platform)


def platform_arguments(build: Build) -> dict[str, str]:
    """Return the arguments that name the platforms, for those who declare them."""
    from drydock.engine.process.platform import DEFAULT_PLATFORM

    found = {}
    for prefix, platform in (
        ("BUILD", DEFAULT_PLATFORM),
        ("TARGET", build.platform or DEFAULT_PLATFORM),
    ):
        system, architecture, *variant = platform.split("/")
        found[f"{prefix}PLATFORM"] = platform
        found[f"{prefix}OS"] = system
        found[f"{prefix}ARCH"] = architecture
        found[f"{prefix}VARIANT"] = "".join(variant)
    return found


# ---------------------------------------------------------------- configuration


def _pairs(follower: Follower, item: Instruction) -> list[tuple[str, str]]:
    """Return `NAME=value ...`, or the old form `NAME value`."""
    words = split(item.text)
    if "=" not in words[0]:
        name, _, value = item.text.partition(" ")
        if not value.strip():
            raise fail(item.line, f"{item.keyword} must have two arguments")
        return [(name, follower.expand(value.strip()))]
    variables = follower.variables
    found = []
    for word in words:
        name, given, value = word.partition("=")
        if not given:
            raise fail(
                item.line,
                f"Syntax error - can't find = in {word!r}. Must be of the form: name=value",
            )
        found.append((expand(name, variables), expand(value, variables)))
    return found


async def _env(follower: Follower, item: Instruction) -> None:
    config = follower.container.config
    for name, value in _pairs(follower, item):
        config = config.with_variable(name, value)
    follower.container = follower.container.configured(config)


async def _label(follower: Follower, item: Instruction) -> None:
    config = follower.container.config
    for name, value in _pairs(follower, item):
        config = config.with_label(name, value)
    follower.container = follower.container.configured(config)


async def _arg(follower: Follower, item: Instruction) -> None:
    for word in split(item.text):
        name, given, default = word.partition("=")
        known = (follower.build.arguments, follower.platforms)
        value = next((found[name] for found in known if name in found), None)
        if value is None and given:
            value = follower.expand(default)
        if value is None:
            value = follower.shared.get(name)
        if value is not None:
            follower.arguments[name] = value


async def _workdir(follower: Follower, item: Instruction) -> None:
    path = follower.container.config.path(follower.expand(item.text))
    steps = follower.build.steps
    from drydock.engine.types.directory import Directory

    empty = Directory(Lazy.ready("empty", steps.call.runtime.snapshots.empty))
    if path != "/":
        made = await steps.container(
            follower.container, "withDirectory", path=path, source=empty, owner=""
        )
        follower.container = made
    follower.container = follower.container.configured(
        follower.container.config.with_workdir(posixpath.normpath(path))
    )


def _replace(follower: Follower, **changes: object) -> None:
    config = dataclasses.replace(follower.container.config, **changes)  # type: ignore[arg-type]
    follower.container = follower.container.configured(config)


async def _user(follower: Follower, item: Instruction) -> None:
    _replace(follower, user=follower.expand(item.text))


async def _stop_signal(follower: Follower, item: Instruction) -> None:
    _replace(follower, stop_signal=follower.expand(item.text))


async def _volume(follower: Follower, item: Instruction) -> None:
    paths = item.words if item.words is not None else tuple(split(item.text))
    kept = follower.container.config.volumes
    new = tuple(follower.expand(path) for path in paths)
    _replace(follower, volumes=tuple(dict.fromkeys((*kept, *new))))


async def _cmd(follower: Follower, item: Instruction) -> None:
    follower.has_command = True
    _replace(follower, default_args=follower.command(item))


async def _entrypoint(follower: Follower, item: Instruction) -> None:
    # A command that came with the base image belonged to its entrypoint.
    kept = follower.container.config.default_args if follower.has_command else ()
    _replace(follower, entrypoint=follower.command(item), default_args=kept)


async def _shell(follower: Follower, item: Instruction) -> None:
    if not item.words:
        raise fail(item.line, "SHELL requires the arguments to be in JSON form")
    follower.shell = item.words


async def _expose(follower: Follower, item: Instruction) -> None:
    config = follower.container.config
    for word in split(item.text):
        ports, _, protocol = follower.expand(word).partition("/")
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", ports)
        if match is None or int(match[2] or match[1]) > _MAX_PORT:
            raise fail(item.line, f"invalid containerPort: {ports}")
        for port in range(int(match[1]), int(match[2] or match[1]) + 1):
            config = config.with_port(ExposedPort(port, (protocol or "tcp").upper()))
    follower.container = follower.container.configured(config)


async def _healthcheck(follower: Follower, item: Instruction) -> None:
    kind, _, rest = item.text.partition(" ")
    if kind.upper() == "NONE":
        _replace(follower, health_check=None)
        return
    if kind.upper() != "CMD":
        raise fail(item.line, f"Unknown type {kind!r} in HEALTHCHECK (try CMD)")
    command = dataclasses.replace(item, text=rest.strip())
    inner = _exec_words(rest.strip())
    check = HealthCheck(
        args=inner if inner is not None else (command.text,),
        shell=inner is None,
        interval=parse_duration(item.flag("interval")),
        timeout=parse_duration(item.flag("timeout")),
        start_period=parse_duration(item.flag("start-period")),
        start_interval=parse_duration(item.flag("start-interval")),
        retries=int(item.flag("retries", "0")),
    )
    _replace(follower, health_check=check)


def _exec_words(text: str) -> tuple[str, ...] | None:
    from .dockerfile import parse

    return parse(f"CMD {text}")[0].words


async def _maintainer(follower: Follower, item: Instruction) -> None:
    follower.container = follower.container.configured(
        follower.container.config.with_label("maintainer", item.text)
    )


async def _onbuild(_: Follower, item: Instruction) -> None:
    raise EngineError(
        f"Drydock does not implement ONBUILD (line {item.line} of the Dockerfile); "
        "write the instructions into the Dockerfiles that build on this image"
    )


# ---------------------------------------------------------------- files and commands


async def _run(follower: Follower, item: Instruction) -> None:
    follower.container = await run_in(
        follower.build,
        follower.container,
        item,
        _script(follower, item),
        {**follower.build.proxies(), **follower.arguments},
    )


def _script(follower: Follower, item: Instruction) -> tuple[str, ...]:
    """Return the command of RUN; a heredoc that stands alone is the script."""
    if not item.heredocs:
        return follower.command(item)
    first: Heredoc = item.heredocs[0]
    if re.fullmatch(r"<<-?['\"]?[A-Za-z0-9_.]+['\"]?", item.text):
        return (*follower.shell, first.contents)
    bodies = "".join(f"{document.contents}{document.name}\n" for document in item.heredocs)
    return (*follower.shell, f"{item.text}\n{bodies}")


async def _copy(follower: Follower, item: Instruction) -> None:
    follower.container = await copy_in(
        follower.build, follower.container, item, follower.variables
    )


_HANDLERS: dict[str, Callable[[Follower, Instruction], Awaitable[None]]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
