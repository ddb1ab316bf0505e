"""The verbs that act on an environment: ship, deploy, publish, and those that only look or go back."""

from collections.abc import Sequence

from pipelines.catalog import read_catalog
from pipelines.flows.access import Access
from pipelines.flows.board import Board
from pipelines.flows.graph import OnFailure
from pipelines.flows.pipeline import Source
from pipelines.flows.release import Release
from pipelines.flows.selection import Request, changed, nothing_changed
from pipelines.flows.verdict import conclude
from pipelines.model import Environment, Service, StageResult, Status
from pipelines.stages import deliver as delivering
from pipelines.toolchains.kubectl import ClusterAccess
from pipelines.toolchains.registry import RegistryAccess


async def ship(source: Source, access: Access, env: str, request: Request) -> str:
    """Check, build, scan, publish and deliver the services of an environment."""
    environment, chosen = await choose(source, env, request)
    access.require(environment)
    if not chosen:
        return nothing_changed(request)
    release = Release(source, access, environment, chosen)
    release.publish([*release.reach(), *release.checks(), *release.images(scanned=True)])
    release.deliver()
    return await release.run("ship", request)


async def deploy(source: Source, access: Access, env: str, request: Request) -> str:
    """Build, publish and deliver without checking."""
    environment, chosen = await choose(source, env, request)
    access.require(environment)
    release = Release(source, access, environment, chosen)
    release.publish([*release.reach(), *release.images(scanned=False)])
    release.deliver()
    return await release.run("deploy", request)


async def publish(source: Source, access: RegistryAccess, env: str, request: Request) -> str:
    """Build, scan and publish; deliver nothing."""
    environment, chosen = await choose(source, env, request)
    reach = Access(access, ClusterAccess(None, None))
    reach.require_registry(environment)
    release = Release(source, reach, environment, chosen)
    release.publish([*release.reach(), *release.images(scanned=True)])
    return await release.run("publish", request)


async def look(action: str, source: Source, access: Access, env: str, request: Request) -> str:
    """Run an action of `delivery` that needs no image: status or rollback."""
    environment, chosen = await choose(source, env, request)
    access.require_cluster(environment)
    released = [delivering.Release(each, "") for each in chosen]
    plan = delivering.write_plan(action, environment, released, None)
    manifests = source.files.directory("manifests")
    board = Board()
    done = board.stage(
        "",
        action,
        lambda: delivering.deliver(plan, environment, manifests, access.cluster),
        reproduce=f"dagger call {action} --env={env}",
    )
    results = await board.run(OnFailure.FINISH)
    return await conclude(
        f"Shipyard {action} {env}", results, done.result if _all_passed(results) else ""
    )


async def choose(
    source: Source, env: str, request: Request
) -> tuple[Environment, tuple[Service, ...]]:
    """Find an environment and the services that it runs, narrowed to what was asked for."""
    catalog = await read_catalog(source.files)
    environment = catalog.environment(env)
    chosen = catalog.shipped(environment, request.only)
    return environment, await changed(source, chosen, request)


def _all_passed(results: Sequence[StageResult]) -> bool:
    return all(result.status is not Status.FAILED for result in results)
