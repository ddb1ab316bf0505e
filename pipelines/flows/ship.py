"""The verbs that bring something new into an environment: ship, publish, deploy, and the two halves of a planned release."""

from functools import partial

import dagger

from pipelines.catalog import read_catalog
from pipelines.flows import admission
from pipelines.flows.access import Access
from pipelines.flows.board import Board, Verdict
from pipelines.flows.graph import OnFailure
from pipelines.flows.pipeline import Source
from pipelines.flows.release import Release
from pipelines.flows.selection import Request, choose, nothing_changed
from pipelines.flows.verdict import conclude
from pipelines.model import Order, Status
from pipelines.stages.deliver import deliver, rehearse
from pipelines.stages.saved_plan import SavedPlanError, check_saved
from pipelines.toolchains.deliverer import ClusterAccess
from pipelines.toolchains.registry import RegistryAccess


async def ship(source: Source, access: Access, env: str, request: Request, order: Order) -> str:
    """Check, build, scan, publish and deliver the services of an environment."""
    choice = await choose(source, env, request)
    access.require(choice.environment)
    if not choice.services:
        return nothing_changed(request)
    if not request.plan:
        order = await admission.admit(source, choice.environment, choice.services, order)
    release = Release(source, access, choice, order)
    release.publish([*release.ready(), *release.checks(), *release.images(scanned=True)])
    release.deliver()
    return await release.run("ship", request)


async def deploy(source: Source, access: Access, env: str, request: Request, order: Order) -> str:
    """Build, publish and deliver without checking."""
    choice = await choose(source, env, request)
    access.require(choice.environment)
    if not request.plan:
        order = await admission.admit(source, choice.environment, choice.services, order)
    release = Release(source, access, choice, order)
    release.publish([*release.ready(), *release.images(scanned=False)])
    release.deliver()
    return await release.run("deploy", request)


async def rehearse_release(source: Source, access: Access, env: str, request: Request) -> str:
    """Build, and tell what a delivery would change; push and change nothing."""
    choice = await choose(source, env, request)
    access.require(choice.environment)
    release = Release(source, access, choice)
    release.reach()
    release.images(scanned=False)
    release.rehearse()
    return await release.run("deploy --dry-run", request)


async def publish(
    source: Source, access: RegistryAccess, env: str, request: Request, order: Order
) -> str:
    """Build, scan and publish; deliver nothing."""
    choice = await choose(source, env, request)
    reach = Access(access, ClusterAccess(None, None))
    reach.require_registry(choice.environment)
    if not request.plan:
        await admission.introduce(source, choice.environment, choice.services, order)
    release = Release(source, reach, choice)
    release.publish([*release.reach(), *release.images(scanned=True)])
    return await release.run("publish", request)


async def plan_release(
    source: Source, access: Access, env: str, request: Request, order: Order
) -> dagger.File:
    """Do what `ship` does up to the delivery, and give the plan of that, with the objects that it would apply."""
    choice = await choose(source, env, request)
    access.require(choice.environment)
    await admission.introduce(source, choice.environment, choice.services, order)
    release = Release(source, access, choice, Order(reason=order.reason))
    release.publish([*release.reach(), *release.checks(), *release.images(scanned=True)])
    saved = release.save()
    await release.run("plan-release", request)
    return saved.result


async def apply(
    source: Source,
    access: Access,
    env: str,
    request: Request,
    order: Order,
    saved: dagger.File,
    *,
    rehearsed: bool,
) -> str:
    """Deliver a saved plan byte for byte, or tell what that would change.

    Its commit was judged when it was made, and is again: between the two the file was anybody's.
    """
    catalog = await read_catalog(source.files)
    environment = catalog.environment(env)
    access.require_cluster(environment, commits=True)
    if request.only or request.plan:
        raise SavedPlanError("it is whole, so neither --only nor --plan goes with it")
    if order.ref or order.reason:
        raise SavedPlanError(
            "it says itself what it is and why: --ref and --reason are for plan-release"
        )
    services = catalog.shipped(environment)
    revision = check_saved(environment, services, await saved.contents())
    remark = await admission.check_planned(source, environment, revision)
    manifests = source.files.directory("manifests")
    board = Board()
    if rehearsed:
        work = partial(rehearse, saved, environment, manifests, access.cluster)
        verb, ending = "deploy --dry-run", "Nothing was changed."
    else:
        asked = await admission.permit(source, environment, order)
        work = partial(deliver, saved, environment, manifests, access.cluster, asked)
        verb, ending = "deploy", f"{environment.name} runs this at {environment.url}"
    board.stage(
        "",
        "rehearse" if rehearsed else "deploy",
        work,
        reproduce=f"dagger call deploy --env={env} --saved-plan=FILE",
        judge=lambda told: Verdict(Status.PASSED, remark=f"{remark}{told}"),
    )
    results = await board.run(OnFailure.FINISH)
    return await conclude(f"Shipyard {verb} {env}", results, ending)
