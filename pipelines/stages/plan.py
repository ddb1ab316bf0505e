"""The plan of a delivery: what shall run where, how it gets there, and what is asked about it; version 1 of `docs/contracts.md`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.model import Commit, Environment, Mode, Order, Service, Slo
from pipelines.model.delivery import WATCH_SECONDS, Strategy

VERSION = 1
DEPLOY = "deploy"
_SYNC_SECONDS = 300
"""Until something in the cluster has taken up a commit, and as long for the way back."""
_GATES_SECONDS = 300
"""For all gates of a stage together; each has its own bound, and they are asked side by side."""


@dataclass(frozen=True)
class Release:
    """One service of a delivery: what runs after it, by digest. Empty when only looked at."""

    service: Service
    reference: str


def write_plan(
    action: str,
    environment: Environment,
    releases: Sequence[Release],
    commit: Commit | None,
    order: Order | None = None,
    slos: Mapping[str, Slo] | None = None,
) -> str:
    """Write the plan that `delivery` reads.

    Whoever is not named by the order is named by whoever applies the plan.
    """
    asked = order or Order()
    names = {release.service.name for release in releases}
    plan = {
        "version": VERSION,
        "action": action,
        "environment": environment.name,
        "namespace": environment.namespace,
        "overlay": f"/manifests/environments/{environment.name}",
        "url": environment.url,
        "rollout_seconds": environment.rollout_seconds,
        "pull_secret": environment.pull_secret,
        "prometheus": environment.prometheus,
        "mode": environment.mode.value,
        "gitops": environment.gitops.values if environment.gitops else None,
        "revision": commit.revision if commit else "",
        "who": asked.by,
        "reason": asked.reason,
        "approved_by": asked.approved_by,
        **asked.limits,
        "services": [
            _service(environment, each, names, commit, (slos or {}).get(each.service.name))
            for each in releases
        ],
    }
    return json.dumps(plan, indent=2, sort_keys=True)


def _service(
    environment: Environment,
    release: Release,
    names: Iterable[str],
    commit: Commit | None,
    slo: Slo | None,
) -> dict[str, Any]:
    service = release.service
    return {
        "name": service.name,
        "image": release.reference,
        "health": service.probes.health,
        "after": [name for name in service.dependencies if name in names],
        "version": commit.version(service.name) if commit else "",
        "slo": slo.values if slo else None,
        **environment.delivery(service).plan,
    }


def longest(plan: str) -> int:
    """Tell how many seconds a delivery may take at the very most.

    That is waiting for another's rollouts and rollback, then one's own, each service after those it needs;
    for each of these a preview and a watch; what chaos was asked for; and others' syncing of what is in git.
    """
    values = json.loads(plan)
    after = {each["name"]: each.get("after", []) for each in values["services"]}
    depth = max((_depth(name, after) for name in after), default=1)
    watched = [_watched(each) for each in values["services"]]
    rounds = 2 * (depth + 1)
    chaos = values.get("chaos") or {}
    each = int(chaos.get("seconds", 0)) + int(values["rollout_seconds"])
    disturbed = len(chaos.get("kinds", ())) * each
    synced = 2 * _SYNC_SECONDS if values.get("mode") == Mode.GITOPS else 0
    return rounds * (int(values["rollout_seconds"]) + max(watched, default=0)) + disturbed + synced


def _depth(name: str, after: Mapping[str, Sequence[str]], above: tuple[str, ...] = ()) -> int:
    """Count the services of the longest chain that ends with one; a circle is the delivery's to refuse."""
    if name in above:
        return 0
    needed = after.get(name, ())
    return 1 + max((_depth(each, after, (*above, name)) for each in needed), default=0)


def _watched(service: Mapping[str, Any]) -> int:
    if service.get("strategy", Strategy.ROLLING) == Strategy.ROLLING:
        return _GATES_SECONDS if service.get("gates") else 0
    told = service.get("blue_green") or {}
    return int(told.get("watch_seconds", WATCH_SECONDS)) + _GATES_SECONDS
