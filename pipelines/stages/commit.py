"""Which commit this is, and which services differ from it."""

from collections.abc import Iterable

import dagger

from pipelines.model import Commit, Service
from pipelines.toolchains.run import bounded


async def read_commit(
    builder: dagger.Container,
    git: dagger.Directory,
    source: dagger.Directory,
    services: Iterable[Service],
) -> Commit:
    """Ask git, in a container that holds its objects and the given services only."""
    chosen = tuple(services)
    paths = [service.path for service in chosen]
    asked = in_repository(builder, git, source, paths)
    told = await asked.with_exec(bounded(["/programs/commit.sh", *paths])).stdout()
    return parse_commit(told, chosen)


def in_repository(
    builder: dagger.Container,
    git: dagger.Directory,
    source: dagger.Directory,
    paths: Iterable[str],
) -> dagger.Container:
    """Give a container where git sees its objects and, as work tree, the given paths of the source."""
    tree = source.filter(include=[".gitignore", "**/.gitignore", *paths])
    return (
        builder.with_mounted_directory("/repository", git)
        .with_mounted_directory("/tree", tree)
        .with_workdir("/tree")
        .with_env_variable("GIT_DIR", "/repository/.git")
        .with_env_variable("GIT_WORK_TREE", "/tree")
    )


def parse_commit(told: str, services: Iterable[Service]) -> Commit:
    """Read what `commit.sh` wrote."""
    first, _, rest = told.partition("\n")
    revision, _, seconds = first.partition(" ")
    changed = [line[3:].strip('"') for line in rest.splitlines() if len(line) > 3]
    moved = [path for line in changed for path in line.split(" -> ")]
    dirty = frozenset(
        service.name
        for service in services
        if any(path.startswith(f"{service.path}/") for path in moved)
    )
    return Commit(revision=revision, time=int(seconds or 0), dirty=dirty)
