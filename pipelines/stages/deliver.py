"""Hand a plan to a cluster: run `delivery` in a container, read its result."""

import json

import dagger
from dagger import dag

from pipelines.model import Environment, Mode, Order, StageFailure
from pipelines.stages.plan import longest
from pipelines.toolchains.deliverer import ClusterAccess, deliverer
from pipelines.toolchains.run import KILLED, Ran, nonce, run

_MARGIN_SECONDS = 300
_PLAN, _SAVED = "/plan.json", "/saved/plan.json"
_CUT_OFF = "\nThe delivery was cut off. Run it again: that finishes the release or goes back.\n"


async def deliver(
    plan: str | dagger.File,
    environment: Environment,
    manifests: dagger.Directory,
    access: ClusterAccess,
    order: Order | None = None,
    *,
    commits: bool = True,
) -> str:
    """Run a plan, never from a cache; return what it did in one line per service.

    A file is handed on byte for byte; `order` names who applies it, where it does not say so itself. What does
    not commit gets neither git nor its credentials.
    """
    ran = await _run(plan, environment, manifests, access, order or Order(), commits=commits)
    return summarize(await ran.container.stdout())


async def rehearse(
    plan: str | dagger.File,
    environment: Environment,
    manifests: dagger.Directory,
    access: ClusterAccess,
) -> str:
    """Ask the API server what it would make of a plan, and return the difference; nothing is changed."""
    ran = await _run(plan, environment, manifests, access, Order(), "--dry-run")
    return f"{words(ran.output)}{summarize(await ran.container.stdout())}"


async def save(
    plan: str, environment: Environment, manifests: dagger.Directory, access: ClusterAccess
) -> dagger.File:
    """Rehearse, and give the plan with its rendered objects: whoever applies that file applies what was judged."""
    flags = ("--dry-run", f"--save={_SAVED}")
    ran = await _run(plan, environment, manifests, access, Order(), *flags)
    return ran.container.file(_SAVED)


async def _run(
    plan: str | dagger.File,
    environment: Environment,
    manifests: dagger.Directory,
    access: ClusterAccess,
    order: Order,
    *flags: str,
    commits: bool = True,
) -> Ran:
    text = plan if isinstance(plan, str) else await plan.contents()
    file = dag.file("plan.json", plan) if isinstance(plan, str) else plan
    overlay = ["apps", "components", f"environments/{environment.name}"]
    container = (
        deliverer(access, git=commits and environment.mode is Mode.GITOPS)
        .with_mounted_directory("/manifests", manifests.filter(include=overlay))
        .with_directory("/saved", dag.directory())
        .with_mounted_file(_PLAN, file)
        .with_env_variable("DELIVERY_RUN", nonce())
    )
    for name, value in {
        "DELIVERY_WHO": order.by,
        "DELIVERY_APPROVED_BY": order.approved_by,
    }.items():
        if value:
            container = container.with_env_variable(name, value)
    ran = await run(
        container,
        ["python", "-m", "delivery", f"--plan={_PLAN}", *flags],
        seconds=longest(text) + _MARGIN_SECONDS,
        signal="TERM",
    )
    if ran.exit_code != 0:
        told = words(ran.output)
        raise StageFailure(ran.exit_code, told + (_CUT_OFF if ran.exit_code in KILLED else ""))
    return ran


def words(output: str) -> str:
    """Leave out the result, which is for programs; people have read its summary above it."""
    lines = output.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith('{"outcome": '))


def summarize(stdout: str) -> str:
    """Read the summary out of the result, which is the last line."""
    result = json.loads(stdout.strip().splitlines()[-1])
    return str(result["summary"])
