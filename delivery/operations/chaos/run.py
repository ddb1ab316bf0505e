"""Chaos: an environment is disturbed on purpose, under load, and the report says whether users would notice.

Experiments are made one after the other, each only while everything is whole, and each puts back what it
changed. What a killed run could not put back carries a mark, and the next run begins with that. No delivery
gets in between: all locks are held.
"""

import time
from collections.abc import Callable

from delivery import freeze
from delivery.cluster import FORBIDDEN, ApiError, Cluster
from delivery.errors import Refused, VerificationError
from delivery.lease import NAME as ENVIRONMENT
from delivery.lease import all_locked, name_of
from delivery.modes import ChaosKind, Mode
from delivery.operations.chaos.drain import cordoned, drain, uncordon
from delivery.operations.chaos.lab import Lab, NotMade, targets_of
from delivery.operations.chaos.load import loaded
from delivery.operations.chaos.outcome import Notes, Outcome, Verdict, judged, not_made, written
from delivery.operations.chaos.pod_kill import pod_kill
from delivery.operations.chaos.restart import forget, put_all_back, restart
from delivery.operations.errors import ExperimentFailed
from delivery.plan import Plan
from delivery.preflight import reach
from delivery.progress import say
from delivery.release import holder
from delivery.verify import verify

__all__ = ["chaos"]
PATIENCE_SECONDS = 20.0
"""For the locks, as in a clean-up."""
CALM_SECONDS = 1.0
"""Load before and after a disturbance, so that there is something to compare with."""
EXPERIMENTS: dict[ChaosKind, Callable[[Lab, Notes, float], None]] = {
    ChaosKind.POD_KILL: pod_kill,
    ChaosKind.RESTART: restart,
    ChaosKind.DRAIN: drain,
}


def chaos(cluster: Cluster, plan: Plan) -> str:
    """Make the experiments of a plan; return the report, or raise ExperimentFailed with it."""
    say(f"cluster {reach(cluster)}, namespace {plan.namespace}")
    _check(cluster, plan)
    names = {ENVIRONMENT, *(name_of(each.name) for each in plan.services)}
    with all_locked(cluster, plan.namespace, holder(), PATIENCE_SECONDS, names) as alive:
        _check(cluster, plan)
        restored = restore(cluster, plan.namespace)
        lab = Lab(cluster, plan, targets_of(cluster, plan), alive)
        missing = lab.whole(lab.targets, plan.rollout_seconds if restored else 0)
        if missing:
            raise _not_whole(missing)
        for target in lab.targets if restored else ():
            forget(cluster, plan.namespace, target.deployment)
        try:
            verify(cluster, plan.namespace, plan.services)
        except VerificationError as error:
            raise _not_whole(str(error)) from error
        outcomes = _made(lab)
    report = f"chaos in {plan.environment}, namespace {plan.namespace}\n{written(outcomes)}"
    if restored:
        report += f"\nput back what a run before had left: {', '.join(restored)}"
    failed = [f"{each.kind} of {each.service}" for each in outcomes if each.verdict is Verdict.FAIL]
    if failed:
        raise ExperimentFailed(f"{report}\nusers would have noticed: {', '.join(failed)}")
    passed = sum(each.verdict is Verdict.PASS for each in outcomes)
    return f"{report}\n{passed} passed, {len(outcomes) - passed} not made"


def _not_whole(why: str) -> Refused:
    return Refused(
        f"chaos: {why}",
        "only what is whole is shaken, or nobody could tell what did it",
        "health tells what is wrong",
    )


def restore(cluster: Cluster, namespace: str) -> list[str]:
    """Put back what a killed run left; name it."""
    nodes = [name for name in cordoned(cluster, namespace) if uncordon(cluster, namespace, name)]
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    names = [each["metadata"]["name"] for each in cluster.items(path)]
    updated = put_all_back(cluster, namespace, names)
    for name in set(names) - set(updated):
        forget(cluster, namespace, name)
    return [f"Node {name}" for name in nodes] + [f"Deployment {name}" for name in updated]


def _check(cluster: Cluster, plan: Plan) -> None:
    if not plan.services:
        raise Refused("no service is named", "chaos is about services", "name one in the plan")
    if plan.mode is Mode.GITOPS and ChaosKind.RESTART in plan.chaos.kinds:
        raise Refused(
            f"chaos restart in {plan.environment}: it is kept in git",
            "what is changed in the cluster is changed back by whoever applies what git wants",
            "leave restart out: --kinds=pod-kill,drain",
        )
    found = freeze.frozen(cluster, plan.namespace)
    if found:
        raise Refused(
            f"chaos: {plan.namespace} was frozen by {found.who} at {found.since}: {found.reason}",
            "a frozen environment is left in peace",
            "ask them, then the action unfreeze lifts it",
        )


def _made(lab: Lab) -> list[Outcome]:
    """Make one experiment after the other, while the environment stands."""
    outcomes: list[Outcome] = []
    services = [target.service for target in lab.targets]
    for kind in lab.plan.chaos.kinds:
        missing = lab.whole(lab.targets, 0)
        if missing:
            outcomes += not_made(kind, services, f"the one before left it not whole: {missing}")
            continue
        say(
            f"chaos: {kind} for at most {lab.plan.chaos.seconds} s, {lab.plan.chaos.rate:g} requests/s"
        )
        outcomes += _experiment(lab, kind, services)
    return outcomes


def _experiment(lab: Lab, kind: ChaosKind, services: list[str]) -> list[Outcome]:
    notes, deadline = Notes(), time.monotonic() + lab.plan.chaos.seconds
    try:
        with loaded(lab) as probes:
            time.sleep(CALM_SECONDS)
            EXPERIMENTS[kind](lab, notes, deadline)
            time.sleep(CALM_SECONDS)
    except NotMade as reason:
        return not_made(kind, services, str(reason))
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise
        return not_made(kind, services, f"no right: {error}")
    return judged(kind, notes, {name: probe.sample() for name, probe in probes.items()})
