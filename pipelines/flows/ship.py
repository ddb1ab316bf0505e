"""Ship services to an environment: check, build, scan, publish, deliver, verify.

Everything that does not depend on something else starts at once: the image is built and scanned
while the tests run. Nothing leaves the engine before every stage of *all* services has passed, so
that a release is whole or not made.
"""

from dataclasses import dataclass
from typing import Any

import dagger

from pipelines.catalog import Catalog, read_catalog
from pipelines.flows.board import Board, Verdict
from pipelines.flows.graph import OnFailure, Task
from pipelines.flows.images import ImageLine, Source, open_line
from pipelines.flows.quality import add_quality
from pipelines.flows.verdict import conclude
from pipelines.model import Environment, Service, Status
from pipelines.stages.build import Built
from pipelines.stages.deliver import Release, deliver, write_plan
from pipelines.stages.publish import publish_image
from pipelines.stages.reach import reach_servers
from pipelines.toolchains import kubectl, registry
from pipelines.toolchains.kubectl import ClusterAccess
from pipelines.toolchains.registry import RegistryAccess


class AccessError(Exception):
    """What it takes to reach a registry or a cluster was not given; the message says how to give it."""


@dataclass(frozen=True)
class Access:
    """The two places that a release goes to."""

    registry: RegistryAccess
    cluster: ClusterAccess

    def bound(self) -> dict[str, dagger.Service]:
        """List the servers of this machine by the name that containers know them under."""
        servers = {registry.ALIAS: self.registry.registry, kubectl.ALIAS: self.cluster.cluster}
        return {alias: server for alias, server in servers.items() if server is not None}

    def require_registry(self, environment: Environment) -> None:
        """Refuse to push to a registry on this machine that was not given, or was given by mistake."""
        if not environment.registry_is_local and self.registry.registry is not None:
            raise AccessError(
                f"environment {environment.name!r} publishes to {environment.registry_host}, but the"
                " registry and cluster of this machine are given (by .env or by flags), and it would"
                " end up here. To try things on this machine: --env=local. To ship"
                f" {environment.name!r} from here: move .env away and give --kubeconfig=file:PATH"
                " and --registry-token=env:TOKEN"
            )
        if environment.registry_is_local and self.registry.registry is None:
            raise AccessError(
                f"environment {environment.name!r} publishes to {environment.registry_host}, which only"
                " this machine sees. Start it with `drydock start`, which also writes .env; or give"
                f" --registry=tcp://{environment.registry_host}"
            )

    def require_cluster(self, environment: Environment) -> None:
        """Refuse to deliver without a kubeconfig."""
        if self.cluster.kubeconfig is None:
            raise AccessError(
                f"environment {environment.name!r} needs a cluster. Start one on this machine with"
                " `drydock start`, which also writes .env; or give --kubeconfig=env:KUBECONFIG_TEXT"
                " or --kubeconfig=file:PATH"
            )


async def ship(
    source: Source, access: Access, env: str, service: str, on_failure: OnFailure
) -> str:
    """Check, build, scan, publish and deliver the services of an environment."""
    return await _release("ship", source, access, env, service, on_failure, checked=True)


async def deploy(source: Source, access: Access, env: str, service: str) -> str:
    """Build, publish and deliver without checking."""
    return await _release("deploy", source, access, env, service, OnFailure.FINISH, checked=False)


async def publish(source: Source, access: RegistryAccess, env: str, service: str) -> str:
    """Build, scan and publish; deliver nothing."""
    catalog, environment, chosen = await _choose(source, env, service)
    reach = Access(access, ClusterAccess(None, None))
    reach.require_registry(environment)
    board = Board()
    ready = _add_reach(board, reach)
    line = open_line(board, source, chosen)
    scanner = line.scanner()
    for each in chosen:
        built = line.build(each)
        scanned = line.scan(each, built, scanner)
        _add_publish(board, line, each, environment, access, built, [*ready, scanned])
    results = await board.run(OnFailure.FINISH)
    return await conclude(f"Shipyard publish {catalog.environment(env).name}", results)


async def look(action: str, source: Source, access: Access, env: str, service: str) -> str:
    """Run an action of `delivery` that needs no image: status or rollback."""
    _, environment, chosen = await _choose(source, env, service)
    access.require_cluster(environment)
    releases = [Release(each, "") for each in chosen]
    plan = write_plan(action, environment, releases, None)
    manifests = source.files.directory("manifests")
    board = Board()
    done = board.stage(
        "",
        action,
        lambda: deliver(plan, environment, manifests, access.cluster),
        reproduce=f"dagger call {action} --env={env}",
    )
    results = await board.run(OnFailure.FINISH)
    title = f"Shipyard {action} {env}"
    return await conclude(title, results, done.result if _all_passed(results) else "")


def _all_passed(results: list[Any]) -> bool:
    return all(result.status is not Status.FAILED for result in results)


async def _choose(
    source: Source, env: str, service: str
) -> tuple[Catalog, Environment, tuple[Service, ...]]:
    catalog = await read_catalog(source.files)
    environment = catalog.environment(env)
    return catalog, environment, catalog.shipped(environment, service)


async def _release(
    verb: str,
    source: Source,
    access: Access,
    env: str,
    service: str,
    on_failure: OnFailure,
    *,
    checked: bool,
) -> str:
    _, environment, chosen = await _choose(source, env, service)
    access.require_registry(environment)
    access.require_cluster(environment)
    board = Board()
    gates = _add_reach(board, access)
    line = open_line(board, source, chosen)
    built: dict[str, Task[Built]] = {}
    scanner = line.scanner() if checked else None
    for each in chosen:
        if checked:
            gates += add_quality(board, each, source.files, source.fresh)
        built[each.name] = line.build(each)
        gates.append(built[each.name])
        if scanner is not None:
            gates.append(line.scan(each, built[each.name], scanner))
    published = {
        each.name: _add_publish(
            board, line, each, environment, access.registry, built[each.name], gates
        )
        for each in chosen
    }

    async def hand_over() -> str:
        releases = [Release(each, published[each.name].result) for each in chosen]
        plan = write_plan("deploy", environment, releases, line.commit.result)
        return await deliver(plan, environment, source.files.directory("manifests"), access.cluster)

    board.stage(
        "",
        "deploy",
        hand_over,
        needs=published.values(),
        reproduce=f"dagger call deploy --env={env}",
        judge=_note,
    )
    results = await board.run(on_failure)
    ending = f"{environment.name} runs this at {environment.url}"
    return await conclude(f"Shipyard {verb} {environment.name}", results, ending)


def _add_reach(board: Board, access: Access) -> list[Task[Any]]:
    bound = access.bound()
    if not bound:
        return []
    return [board.preparation("", "reach", lambda: reach_servers(bound), fatal=True)]


def _add_publish(
    board: Board,
    line: ImageLine,
    service: Service,
    environment: Environment,
    access: RegistryAccess,
    built: Task[Built],
    needs: list[Task[Any]],
) -> Task[str]:
    return board.stage(
        service.name,
        "publish",
        lambda: publish_image(
            service,
            built.result,
            environment,
            line.commit.result,
            access,
            line.builder.result,
        ),
        needs=needs,
        reproduce=f"dagger call publish --env={environment.name} --service={service.name}",
        judge=_note,
    )


def _note(text: str) -> Verdict:
    return Status.PASSED, text
