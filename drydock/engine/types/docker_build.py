"""`Directory.dockerBuild`: carries a Dockerfile's instructions out on containers.

Every instruction becomes what the API offers anyway (a command, a copied file, a changed configuration), so results are
cached instruction by instruction like everything else. A build is evaluated at once, because its errors belong to the call.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from dataclasses import field as attribute
from pathlib import Path
from typing import Any

from drydock.engine.errors import EngineError, ExecError
from drydock.engine.field import Call, field
from drydock.engine.process.command import Command
from drydock.engine.process.dockerfile import (
    DockerfileError,
    Instruction,
    expand,
    pairs,
    parse,
)
from drydock.engine.process.platform import DEFAULT_PLATFORM
from drydock.engine.process.secret_store import Secret
from drydock.engine.trace import current_span
from drydock.engine.tree import in_thread
from drydock.engine.tree.walk import Filter
from drydock.engine.types.build_config import Stage, configure
from drydock.engine.types.build_copy import copied, inline_files
from drydock.engine.types.build_mounts import with_run_mounts
from drydock.engine.types.container import Container
from drydock.engine.types.container import container as empty_container
from drydock.engine.types.container_exec import after
from drydock.engine.types.container_image import from_
from drydock.engine.types.directory import Directory, filter_
from drydock.engine.types.socket import Socket

_PROXY_ARGS = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}


@dataclass
class Build:
    """One build: its inputs, and the stages so far."""

    call: Call
    context: Directory
    ignored: Filter
    given: dict[str, str]
    secrets: dict[str, Secret]
    platform: str
    init: bool
    ssh: Socket | None = None
    stages: list[Stage] = attribute(default_factory=list)
    globals: dict[str, str] = attribute(default_factory=dict)

    async def run(self, instructions: list[Instruction], target: str) -> Container:
        """Carry the instructions out up to the end of the target stage; return its container."""
        names = [
            instruction.words()[2].lower() if len(instruction.words()) > 2 else ""
            for instruction in instructions
            if instruction.name == "FROM"
        ]
        if not names:
            raise DockerfileError("no build stage in current context")
        if target and target.lower() not in names:
            raise DockerfileError(f'target stage "{target}" could not be found')
        last = names.index(target.lower()) if target else len(names) - 1
        needed = needed_stages(instructions, last)
        number = -1
        for instruction in instructions:
            if instruction.name == "FROM":
                number += 1
            if number > last:
                break
            if number < 0 or number in needed:
                await self._step(instruction)
            elif instruction.name == "FROM":
                # Nothing of it is used: its image is not even fetched.
                empty = await empty_container(None, self.call, platform=self.platform)
                self.stages.append(Stage(names[number], empty))
        return self.stages[last].container

    async def _step(self, instruction: Instruction) -> None:
        if instruction.name == "FROM":
            await self._from(instruction)
            return
        if not self.stages:
            if instruction.name != "ARG":
                raise DockerfileError("no build stage in current context")
            self._arg(instruction, self.globals, self.globals)
            return
        stage = self.stages[-1]
        if instruction.name == "ARG":
            self._arg(instruction, stage.args, stage.variables())
        elif instruction.name == "RUN":
            await self._run(stage, instruction)
        elif instruction.name in {"COPY", "ADD"}:
            stage.container = await self._copy(stage, instruction)
        elif instruction.name == "ONBUILD":
            raise EngineError(
                "Drydock does not implement ONBUILD; write its instruction into the Dockerfiles "
                "that build on this image"
            )
        elif instruction.name != "MAINTAINER":
            configure(stage, instruction)

    async def _from(self, instruction: Instruction) -> None:
        words = [
            expand(word, {**self._platform_args(), **self.globals}) for word in instruction.words()
        ]
        name = words[2].lower() if len(words) > 2 else ""
        earlier = self._stage(words[0])
        if earlier is not None:
            container = earlier.container
        else:
            platform = expand(instruction.flag("platform"), self._platform_args()) or self.platform
            container = await self._image(words[0], platform)
        self.stages.append(Stage(name, container.changed()))

    async def _image(self, name: str, platform: str) -> Container:
        empty = await empty_container(None, self.call, platform=platform)
        if name == "scratch":
            return empty
        return await from_(empty, self.call, address=name, registry_service=None)

    def _stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name.lower() and name), None)

    def _platform_args(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for prefix, platform in (("BUILD", DEFAULT_PLATFORM), ("TARGET", self.platform)):
            os, architecture, variant = (*platform.split("/"), "", "")[:3]
            found |= {
                f"{prefix}PLATFORM": platform,
                f"{prefix}OS": os,
                f"{prefix}ARCH": architecture,
                f"{prefix}VARIANT": variant,
            }
        return found

    def _arg(
        self, instruction: Instruction, into: dict[str, str], variables: dict[str, str]
    ) -> None:
        for (name, value), word in zip(pairs(instruction), instruction.words(), strict=False):
            known = {**self._platform_args(), **(self.globals if into is not self.globals else {})}
            if name in self.given:
                into[name] = self.given[name]
            elif "=" in word:
                into[name] = expand(value, {**variables, **into})
            elif name in known:
                into[name] = known[name]

    async def _run(self, stage: Stage, instruction: Instruction) -> None:
        args = instruction.exec_form() or (*stage.shell, _script(instruction))
        prepared = with_run_mounts(
            stage.container,
            self.call,
            [stage.expand(value) for name, value in instruction.flags if name == "mount"],
            secrets=self.secrets,
            ssh=self.ssh,
            source=self._mountable,
        )
        config = prepared.config
        for name, value in self._run_args(stage).items():
            config = config.with_variable(name, value)
        command = Command(
            tuple(args),
            privileged=instruction.flag("security") == "insecure",
            init=self.init,
        )
        done = after(prepared.configured(config), command, self.call)
        # Arguments and mounts belong to this one command.
        stage.container = done.changed(
            config=stage.container.config,
            mounts=stage.container.mounts,
            secret_variables=stage.container.secret_variables,
        )

    def _run_args(self, stage: Stage) -> dict[str, str]:
        set_already = stage.container.config.variables()
        proxies = {name: value for name, value in self.given.items() if name.upper() in _PROXY_ARGS}
        return {k: v for k, v in {**proxies, **stage.args}.items() if k not in set_already}

    def _mountable(self, name: str) -> Directory:
        """Return the files that a mount's `from=` names; of the context, what is not ignored."""
        if name or not self.ignored:
            return self._source(name)
        exclude = list(self.ignored.exclude)
        return filter_(self.context, self.call, exclude=exclude, include=[], gitignore=False)

    def _source(self, name: str) -> Directory:
        """Return the files that `from=` names: a stage, or the build context for ""."""
        if not name:
            return self.context
        stage = self._stage(name)
        if stage is None and name.isdecimal() and int(name) < len(self.stages) - 1:
            stage = self.stages[int(name)]
        if stage is None:
            raise DockerfileError(f"stage {name} not found; only stages of this file can be used")
        return Directory(stage.container.rootfs)

    async def _copy(self, stage: Stage, instruction: Instruction) -> Container:
        for flag in ("parents", "exclude"):
            if flag in dict(instruction.flags):
                raise EngineError(
                    f"Drydock does not implement {instruction.name} --{flag}; name the files, or "
                    "leave the others out by .dockerignore"
                )
        words = [stage.expand(word) for word in instruction.words()]
        if len(words) < 2:
            raise DockerfileError(f"{instruction.name} requires at least two arguments")
        *sources, target = words
        folder = target.endswith("/") or len(sources) > 1 or target in {".", ".."}
        path = stage.container.config.path(target) + ("/" if folder else "")
        owner = stage.expand(instruction.flag("chown"))
        chmod = stage.expand(instruction.flag("chmod"))
        if chmod and not set(chmod) <= set("01234567"):
            raise DockerfileError(
                f"invalid chmod parameter: '{chmod}'. it should be octal string and between 0 and 07777"
            )
        mode = int(chmod, 8) if chmod else None
        container = stage.container
        texts = {doc.name: doc for doc in instruction.heredocs}
        inline = [
            (doc.name, stage.expand(doc.text) if doc.expand else doc.text) for doc in texts.values()
        ]
        if inline:
            container = inline_files(container, self.call, path, inline, owner, mode)
        named = [source for source in sources if not source.startswith("<<")]
        if not named:
            return container
        image = instruction.flag("from")
        if image and self._stage(image) is None and not image.isdecimal():
            source = Directory((await self._image(stage.expand(image), self.platform)).rootfs)
        else:
            source = self._source(image)
        return copied(
            container,
            self.call,
            path,
            source,
            named,
            wanted=self.ignored if not image else Filter(),
            owner=owner,
            mode=mode,
            unpack=instruction.name == "ADD",
        )


def needed_stages(instructions: list[Instruction], last: int) -> set[int]:
    """Return the numbers of the stages that stage `last` takes from, itself included."""
    names: list[str] = []
    uses: list[set[str]] = []
    for instruction in instructions:
        if instruction.name == "FROM":
            words = instruction.words()
            names.append(words[2].lower() if len(words) > 2 else "")
            uses.append({words[0].lower()})
        elif uses:
            for flag, value in instruction.flags:
                if flag == "from":
                    uses[-1].add(value.lower())
                elif flag == "mount":
                    parts = (part.partition("=") for part in value.split(","))
                    uses[-1] |= {source.lower() for key, _, source in parts if key == "from"}
    needed = {last}
    for number in range(last, -1, -1):
        if number in needed:
            earlier = {name: index for index, name in enumerate(names[:number]) if name}
            earlier |= {str(index): index for index in range(number)}
            needed |= {earlier[use] for use in uses[number] if use in earlier}
    return needed


def _script(instruction: Instruction) -> str:
    """Return what the shell runs: a lone heredoc itself, others with the line that names them."""
    if not instruction.heredocs:
        return instruction.text
    first = instruction.heredocs[0]
    if len(instruction.heredocs) == 1 and instruction.text.strip("'\"<-") == first.name:
        if first.text.startswith("#!"):
            interpreter = first.text.partition("\n")[0].removeprefix("#!").strip()
            raise EngineError(
                f"Drydock runs no heredoc that begins with #!; write RUN {interpreter} <<{first.name}"
            )
        return first.text
    bodies = "".join(f"{doc.text}{doc.name}\n" for doc in instruction.heredocs)
    return f"{instruction.text}\n{bodies}"


@field("Directory.dockerBuild")
async def docker_build(
    self: Directory,
    call: Call,
    *,
    dockerfile: str,
    platform: str | None,
    build_args: list[dict[str, Any]],
    target: str,
    secrets: list[Secret],
    no_init: bool,
    ssh: Socket | None,
) -> Container:
    """Build a Dockerfile with this directory as context."""
    text, ignore = await _read(self, call, dockerfile)
    build = Build(
        call=call,
        context=self,
        ignored=Filter.of(exclude=ignore),
        given={arg["name"]: arg["value"] for arg in build_args},
        secrets={secret.name: secret for secret in secrets},
        platform=platform or DEFAULT_PLATFORM,
        init=not no_init,
        ssh=ssh,
    )
    container = await build.run(parse(text), target)
    try:
        await container.evaluate()
    except ExecError as error:
        raise _renamed(error, "failed to clone built container state") from error
    except EngineError as error:
        message = f"failed to load container from converted ID: {error.message}"
        raise EngineError(message, error.extensions) from error
    return container.changed(last=None)


async def _read(context: Directory, call: Call, dockerfile: str) -> tuple[str, list[str]]:
    """Return the Dockerfile's text and the patterns of what the context leaves out."""
    async with context.mounted(call.runtime) as place:

        def read() -> tuple[str, list[str]]:
            file = place / posixpath.normpath(posixpath.join("/", dockerfile)).lstrip("/")
            if not file.is_file():
                raise EngineError(
                    f"failed to read dockerfile: open {dockerfile}: no such file or directory"
                )
            for name in (Path(f"{file}.dockerignore"), place / ".dockerignore"):
                if name.is_file():
                    lines = name.read_text(errors="replace").splitlines()
                    return file.read_text(errors="replace"), [
                        line for line in lines if not line.startswith("#")
                    ]
            return file.read_text(errors="replace"), []

        return await in_thread(read)


def _renamed(error: ExecError, what: str) -> EngineError:
    renamed = EngineError(f"{what}: {error.message}", error.extensions)
    renamed.mark_lazy(error.traceparent or current_span().traceparent)
    return renamed
