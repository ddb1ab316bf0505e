"""Which commit this is, and which services differ from it."""

from collections.abc import Iterable

import dagger

from pipelines.model import Commit, Service


async def read_commit(
    builder: dagger.Container,
    git: dagger.Directory,
    source: dagger.Directory,
    services: Iterable[Service],
) -> Commit:
    """Ask git, in a container that holds its objects and the given services only."""
    chosen = tuple(services)
    paths = [service.path for service in chosen]
    tree = source.filter(include=[".gitignore", *paths])
    asked = builder.with_mounted_directory("/tree", tree).with_workdir("/tree")
    if ".git/" in await git.entries():
        asked = asked.with_mounted_directory("/git", git.directory(".git"))
    told = (
        asked.with_env_variable("GIT_DIR", "/git")
        .with_env_variable("GIT_WORK_TREE", "/tree")
        .with_exec(["/programs/commit.sh", *paths])
    )
    return parse_commit(await told.stdout(), chosen)


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
