"""What is asked about rolling services besides their health: the live gates, and the drop counter.

There is no preview of them and nothing to switch back to at once. So the gates are asked when they are
rolled out; one that blocks ends the release, and all that it changed goes back.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from delivery.bluegreen.judging import Rounds, ask_all
from delivery.bluegreen.panel import policies
from delivery.clock import CLOCK, Clock
from delivery.cluster import Cluster
from delivery.counter import Watched
from delivery.errors import VerificationError
from delivery.follow import get, patiently, selector_of
from delivery.gate import Stage, Subject, Verdict, blocks
from delivery.plan import Plan, Service
from delivery.progress import say
from delivery.revisions import HASH, replica_sets
from delivery.rollout import newest

PAUSE_SECONDS = 1.0


def watched(cluster: Cluster, plan: Plan, services: Iterable[Service]) -> dict[str, Watched]:
    """List what the prober asks while services are rolled out: those that the plan wants asked and that exist."""
    now, found = CLOCK.now(), dict[str, Watched]()
    for service in services:
        folder = f"/api/v1/namespaces/{plan.namespace}/services"
        if service.checks.rate and cluster.find(f"{folder}/{service.name}"):
            subject = subject_of(cluster, plan, service, now)
            found[service.name] = Watched(subject, service.checks.rate, service.checks.path)
    return found


def inspect(
    cluster: Cluster,
    plan: Plan,
    services: Iterable[Service],
    since: datetime,
    alive: Callable[[], None],
    clock: Clock = CLOCK,
) -> dict[str, list[Verdict]]:
    """Ask the live gates of services; give the last verdicts by service, raise VerificationError.

    `since` is when the release began: what happened before is not its doing.
    A gate whose policy has a limit is asked again until it passes, or was bad that often in a row.
    """
    verdicts = dict[str, list[Verdict]]()
    for service in services:
        gates = list(service.checks.live)
        if not gates:
            continue
        subject = patiently(partial(subject_of, cluster, plan, service, since), alive)
        rounds, last = Rounds(policies(gates)), dict[str, Verdict]()
        while gates:
            for verdict in ask_all(cluster, gates, subject, alive):
                last[verdict.gate] = verdict
                say(f"{service.name}: gate {verdict.gate}: {verdict.result}: {verdict.reason}")
                if rounds.count(verdict):
                    told = f"gate {verdict.gate}: {verdict.result}: {verdict.reason}"
                    raise VerificationError(f"{service.name}: {told}")
            gates = [each for each in gates if blocks(each.policy, last[each.name].result)]
            if gates:
                clock.sleep(PAUSE_SECONDS)
        verdicts[service.name] = list(last.values())
    return verdicts


def subject_of(cluster: Cluster, plan: Plan, service: Service, since: datetime) -> Subject:
    """Say what the gates of a rolling service judge: the pods of its present revision, through its Service."""
    deployment, pods = get(cluster, plan.namespace, service.name), ""
    if deployment is not None:
        pods = selector_of(deployment)
        current = newest(deployment, replica_sets(cluster, plan.namespace, deployment))
        labels = (current or {"metadata": {}})["metadata"].get("labels") or {}
        if HASH in labels:
            pods += f",{HASH}={labels[HASH]}"
    return Subject(
        namespace=plan.namespace,
        service=service.name,
        colour="",
        address=service.name,
        health=service.health,
        pods=pods,
        baseline="",
        stage=Stage.LIVE,
        since=since,
    )
