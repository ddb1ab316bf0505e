"""Follows the stages of a Dockerfile that the target needs, in order, with what every stage may know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError

from .dockerfile import PREFIX, Instruction, fail
from .steps import Steps
from .words import expand

if TYPE_CHECKING:
    from drydock.engine.process.secret_store import Secret
    from drydock.engine.types.container import Container
    from drydock.engine.types.directory import Directory
    from drydock.engine.types.socket import Socket

SCRATCH = "scratch"
# What may be given as build argument without being declared.
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


@dataclass
class Build:
    """One build: its input, and the stages that are done."""

    steps: Steps
    context: Directory
    platform: str | None
    arguments: Mapping[str, str]
    secrets: Mapping[str, Secret]
    ssh: Socket | None = None
    init: bool = True
    stages: dict[str, Container] = field(default_factory=dict)  # by name and by number

    def proxies(self) -> dict[str, str]:
        """Return the proxy settings that were given as arguments."""
        names = {*_PROXIES, *(name.upper() for name in _PROXIES)}
        return {name: value for name, value in self.arguments.items() if name in names}

    async def source(self, name: str) -> Container:
        """Return a stage by name or number, or the container of an image."""
        found = self.stages.get(name.lower())
        if found is not None:
            return found
        return await self.image(name)

    async def image(self, reference: str, platform: str | None = None) -> Container:
        """Return the container of an image."""
        from drydock.engine.execute import ROOT

        empty = await self.steps.container(ROOT, "container", platform=platform or self.platform)
        return await self.steps.container(empty, "from", address=reference)


@dataclass
class Stage:
    """One stage of the file."""

    number: int
    name: str
    base: str
    platform: str
    instructions: list[Instruction]

    def needs(self) -> set[str]:
        """Return the stages (or images) that it takes from, in lower case."""
        found = {self.base.lower()}
        for item in self.instructions:
            if origin := item.flag("from"):
                found.add(origin.lower())
            for mount in item.flag_values("mount"):
                for part in mount.split(","):
                    if part.startswith("from="):
                        found.add(part.removeprefix("from=").lower())
        return found


Follow = Callable[[Build, Stage, Mapping[str, str]], Awaitable["Container"]]


def arrange(
    instructions: Sequence[Instruction], arguments: Mapping[str, str], platforms: Mapping[str, str]
) -> tuple[list[Stage], dict[str, str]]:
    """Return the stages, and the arguments that stand before the first one."""
    shared = dict(platforms)
    stages: list[Stage] = []
    for item in instructions:
        if item.keyword == "FROM":
            stages.append(_stage(item, len(stages), shared))
        elif stages:
            stages[-1].instructions.append(item)
        elif item.keyword == "ARG":
            name, given, default = item.text.partition("=")
            if name in arguments:
                shared[name] = arguments[name]
            elif given:
                shared[name] = expand(default, shared)
        else:
            raise fail(item.line, f"no build stage in current context: {item.keyword}")
    if not stages:
        raise EngineError(f"{PREFIX}file with no instructions")
    return stages, {k: v for k, v in shared.items() if k not in platforms}


def _stage(item: Instruction, number: int, shared: Mapping[str, str]) -> Stage:
    words = item.text.split()
    named = len(words) == 3 and words[1].upper() == "AS"
    if len(words) != 1 and not named:
        raise fail(item.line, "FROM requires either one or three arguments")
    base = expand(words[0], shared)
    if not base:
        raise EngineError(f"{PREFIX}base name ({words[0]}) should not be blank")
    platform = expand(item.flag("platform"), shared)
    return Stage(number, words[2] if named else "", base, platform, [])


def find_target(stages: Sequence[Stage], target: str) -> Stage:
    """Return the stage of a name, the last one without name."""
    if not target:
        return stages[-1]
    for stage in reversed(stages):
        if stage.name.lower() == target.lower():
            return stage
    raise EngineError(f'{PREFIX}target stage "{target}" could not be found')


async def follow(
    build: Build,
    stages: Sequence[Stage],
    target: Stage,
    shared: Mapping[str, str],
    follow_stage: Follow,
) -> Container:
    """Build the target and the stages before it that it needs; return its container."""
    by_name = {name: s for s in stages for name in (str(s.number), s.name.lower()) if name}
    wanted: set[int] = set()
    waiting = [target]
    while waiting:
        stage = waiting.pop()
        if stage.number in wanted:
            continue
        wanted.add(stage.number)
        for name in stage.needs():
            other = by_name.get(name)
            if other is not None and other.number < stage.number:
                waiting.append(other)
    for stage in stages:
        if stage.number in wanted:
            done = await follow_stage(build, stage, shared)
            build.stages[str(stage.number)] = done
            if stage.name:
                build.stages[stage.name.lower()] = done
    return build.stages[str(target.number)]
