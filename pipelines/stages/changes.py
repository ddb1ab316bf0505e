"""Which services differ from a revision, by content: renamed branches and merged commits do not matter."""

from collections.abc import Iterable

import dagger

from pipelines.model import Service, StageFailure
from pipelines.stages.commit import in_repository
from pipelines.toolchains.run import run

_SHARED = ("manifests/components", "manifests/environments")
"""What belongs to no service alone."""
_NO_SUCH_REVISION = 3


class UnknownRevisionError(LookupError):
    """The repository that was given has no such revision; the message says how to get it."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"unknown revision {revision!r}: there is no such commit, branch or tag in what git has here."
            " A shallow clone lacks history: fetch it first (git fetch origin main, fetch-depth: 0),"
            " and name branches of a remote with it, e.g. --since=origin/main"
        )


async def changed_services(
    builder: dagger.Container,
    git: dagger.Directory,
    source: dagger.Directory,
    services: Iterable[Service],
    revision: str,
) -> list[Service]:
    """Give the services whose folder or manifests differ; raise UnknownRevisionError.

    A change of an environment, or of what environments share, is a change of every service.
    """
    chosen = tuple(services)
    paths = [path for each in chosen for path in (each.path, each.manifests)]
    asked = in_repository(builder, git, source, [*paths, *_SHARED])
    ran = await run(asked, ["/programs/changes.sh", revision, *paths, *_SHARED])
    if ran.exit_code == _NO_SUCH_REVISION:
        raise UnknownRevisionError(revision)
    if ran.exit_code != 0:
        raise StageFailure(ran.exit_code, ran.output)
    return affected(chosen, ran.output.splitlines())


def affected(services: Iterable[Service], changed: Iterable[str]) -> list[Service]:
    """Give the services that changed files belong to."""
    # Git puts names that are not plain into quotation marks.
    paths = tuple(path.strip('"') for path in changed)
    if any(path.startswith(f"{folder}/") for folder in _SHARED for path in paths):
        return list(services)
    return [
        service
        for service in services
        if any(path.startswith((f"{service.path}/", f"{service.manifests}/")) for path in paths)
    ]
