"""Hand a release to a cluster: write the plan, run `delivery` in a container, read its result."""

import json
from dataclasses import dataclass

import dagger

from pipelines.model import Commit, Environment, Service, StageFailure
from pipelines.toolchains.kubectl import ClusterAccess, deliverer
from pipelines.toolchains.run import KILLED, nonce, run

_MARGIN_SECONDS = 300
_CUT_OFF = "\nThe delivery was cut off. Run it again: that finishes the release or goes back.\n"


@dataclass(frozen=True)
class Release:
    """One service of a delivery: what runs after it, by digest. Empty when only looked at."""

    service: Service
    reference: str


def write_plan(
    action: str, environment: Environment, releases: list[Release], commit: Commit | None
) -> str:
    """Write the plan that `delivery` reads; version 1 of `docs/contracts.md`."""
    names = {release.service.name for release in releases}
    plan = {
        "version": 1,
        "action": action,
        "environment": environment.name,
        "namespace": environment.namespace,
        "overlay": f"/manifests/environments/{environment.name}",
        "url": environment.url,
        "rollout_seconds": environment.rollout_seconds,
        "pull_secret": environment.pull_secret,
        "revision": commit.revision if commit else "",
        "services": [
            {
                "name": release.service.name,
                "image": release.reference,
                "health": release.service.probes.health,
                "after": [name for name in release.service.dependencies if name in names],
                "version": commit.version(release.service.name) if commit else "",
            }
            for release in releases
        ],
    }
    return json.dumps(plan, indent=2, sort_keys=True)


async def deliver(
    plan: str, environment: Environment, manifests: dagger.Directory, access: ClusterAccess
) -> str:
    """Run a plan, never from a cache; return what it did in one line per service."""
    overlay = ["apps", "components", f"environments/{environment.name}"]
    container = (
        deliverer(access)
        .with_mounted_directory("/manifests", manifests.filter(include=overlay))
        .with_new_file("/plan.json", plan)
        .with_env_variable("DELIVERY_RUN", nonce())
    )
    # The worst: waiting for another's rollouts and rollback, then one's own, each service after those it needs.
    seconds = 2 * (depth(plan) + 1) * environment.rollout_seconds + _MARGIN_SECONDS
    ran = await run(
        container, ["python", "-m", "delivery", "--plan=/plan.json"], seconds=seconds, signal="TERM"
    )
    if ran.exit_code != 0:
        told = words(ran.output)
        raise StageFailure(ran.exit_code, told + (_CUT_OFF if ran.exit_code in KILLED else ""))
    return summarize(await ran.container.stdout())


def depth(plan: str) -> int:
    """Count the services of the longest chain of those that wait for each other; 1 when none waits."""
    after: dict[str, list[str]] = {
        service["name"]: service["after"] for service in json.loads(plan)["services"]
    }

    def below(name: str) -> int:
        return 1 + max(map(below, after[name]), default=0)

    return max(map(below, after), default=1)


def words(output: str) -> str:
    """Leave out the result, which is for programs; people have read its summary above it."""
    lines = output.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith('{"outcome": '))


def summarize(stdout: str) -> str:
    """Read the summary out of the result, which is the last line."""
    result = json.loads(stdout.strip().splitlines()[-1])
    return str(result["summary"])
