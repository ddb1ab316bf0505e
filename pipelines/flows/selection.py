"""What a run is about: an environment, the services that were named, and of them those that changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.catalog import read_catalog
from pipelines.flows.graph import OnFailure
from pipelines.flows.pipeline import Source
from pipelines.model import Environment, Service, Slo
from pipelines.stages.changes import changed_services
from pipelines.toolchains import debian


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for besides the verb: `only` these services, of them those changed `since` a revision.

    With `plan` nothing is run.
    """

    only: tuple[str, ...] = ()
    since: str = ""
    plan: bool = False
    on_failure: OnFailure = OnFailure.FINISH


@dataclass(frozen=True)
class Choice:
    """An environment, the services that a run is about, and what all services promise."""

    environment: Environment
    services: tuple[Service, ...]
    slos: Mapping[str, Slo]


async def choose(source: Source, env: str, request: Request) -> Choice:
    """Find an environment and the services that it runs, narrowed to what was asked for."""
    catalog = await read_catalog(source.files)
    environment = catalog.environment(env)
    shipped = catalog.shipped(environment, request.only)
    return Choice(environment, await changed(source, shipped, request), catalog.slos)


async def changed(
    source: Source, services: Sequence[Service], request: Request
) -> tuple[Service, ...]:
    """Keep the services that differ from the revision that was asked for, all when none was."""
    if not request.since:
        return tuple(services)
    builder = debian.builder(source.fresh)
    return tuple(await changed_services(builder, source.git, source.files, services, request.since))


def nothing_changed(request: Request) -> str:
    """Say that a run has nothing to do."""
    return f"No service differs from {request.since}: nothing to do.\n"
