"""`Directory.dockerBuild`: builds a Dockerfile of a directory, when it is called."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from drydock.engine.build.dockerfile import parse
from drydock.engine.build.instructions import follow_stage, platform_arguments
from drydock.engine.build.stages import Build, arrange, find_target, follow
from drydock.engine.build.steps import Steps
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.process.secret_store import Secret

from .container import Container
from .directory import Directory
from .stat import exists_path

if TYPE_CHECKING:
    from .socket import Socket


@field("Directory.dockerBuild")
async def docker_build(
    self: Directory,
    call: Call,
    *,
    dockerfile: str,
    platform: str | None,
    build_args: list[dict[str, str]],
    target: str,
    secrets: list[Secret],
    no_init: bool,
    ssh: Socket | None,
) -> Container:
    """Return the container of a Dockerfile's target; its stages that are needed have run."""
    text, ignored = await _read(self, call, dockerfile)
    steps = Steps(call)
    context = self
    if ignored:
        context = await steps.do(self, "filter", exclude=ignored)
    build = Build(
        steps=steps,
        context=context,
        platform=platform,
        arguments={item["name"]: item["value"] for item in build_args},
        secrets={secret.name or secret.uri.partition("://")[2]: secret for secret in secrets},
        ssh=ssh,
        init=not no_init,
    )
    stages, shared = arrange(parse(text), build.arguments, platform_arguments(build))
    built = await follow(build, stages, find_target(stages, target), shared, follow_stage)
    try:
        await built.evaluate()
    except EngineError as error:
        raise error.prefixed("failed to clone built container state: ") from error
    return built


async def _read(directory: Directory, call: Call, dockerfile: str) -> tuple[str, list[str]]:
    """Return the Dockerfile's text and the patterns of its .dockerignore."""
    async with directory.mounted(call.runtime) as root:
        if not exists_path(root, dockerfile, "REGULAR_TYPE"):
            raise EngineError(
                f"failed to read dockerfile: open {dockerfile}: no such file or directory"
            )
        place = root / posixpath.normpath(dockerfile).lstrip("/")
        text = place.read_text(errors="surrogateescape")
        for name in (f"{posixpath.normpath(dockerfile).lstrip('/')}.dockerignore", ".dockerignore"):
            if exists_path(root, name, "REGULAR_TYPE"):
                lines = (root / name).read_text(errors="surrogateescape").splitlines()
                return text, [line for line in lines if line.strip() and line[0] != "#"]
    return text, []
