"""The health of one service: its pods, who routes to them, and whether it answers through its Service."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.bluegreen.assembly import machine_for
from delivery.bluegreen.observation import PLAIN
from delivery.clock import CLOCK, Clock
from delivery.cluster import Cluster, Obj
from delivery.follow import selector_of
from delivery.operations.moment import moment_of
from delivery.plan import Plan, Service
from delivery.render import VERSION
from delivery.rollout import CRASHES
from delivery.verify import ask, through

ANSWER_SECONDS = 3.0
RECENT = timedelta(minutes=10)
"""How long a pod that restarted several times counts as not well after the last time."""


@dataclass(frozen=True)
class ServiceHealth:
    """What was seen of a service; well when there are no `problems`.

    `ended` counts why its containers ended before they were restarted, `endpoints` how many pods its Service
    sends requests to. `notes` are worth knowing and nothing to worry about.
    """

    name: str
    ready: int = 0
    wanted: int = 0
    colour: str = ""
    version: str = ""
    restarts: int = 0
    ended: tuple[str, ...] = ()
    endpoints: int = 0
    answer: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def look_at(cluster: Cluster, plan: Plan, service: Service, clock: Clock = CLOCK) -> ServiceHealth:
    """Look at a service once; raise ApiError."""
    seen = machine_for(cluster, plan, service, "", lambda: None).look()
    facts = seen.facts
    serving = seen.deployments.get(facts.live or PLAIN)
    if serving is None:
        return ServiceHealth(service.name, problems=("it is not deployed",))
    path = f"/api/v1/namespaces/{plan.namespace}/pods"
    pods = cluster.items(path, selector_of(serving))
    endpoints = sum(side.routed for side in facts.sides.values()) + facts.plain.routed
    answer = ask(cluster, through(plan.namespace, service.name, service.health), ANSWER_SECONDS)
    wanted = int(serving["spec"].get("replicas", 1))
    ready = int(serving.get("status", {}).get("readyReplicas", 0))
    progress = seen.progress[facts.live or PLAIN]
    problems = [*_of_pods(pods, ready, wanted, clock.now())]
    if progress.trouble:
        problems.append(progress.trouble.reason)
    if not endpoints + facts.foreign:
        problems.append("its Service sends requests to no pod")
    if not answer.good:
        problems.append(f"{service.health} through its Service: {answer.told}")
    notes = serving["metadata"].get("annotations") or {}
    running = facts.running
    return ServiceHealth(
        name=service.name,
        ready=ready,
        wanted=wanted,
        colour=facts.live or "",
        version=running.version if facts.live and running else notes.get(VERSION, "unknown"),
        restarts=sum(int(each.get("restartCount", 0)) for each in _containers(pods)),
        ended=_ended(pods),
        endpoints=endpoints + facts.foreign,
        answer=f"{service.health} {answer.told.split()[0]}" if answer.good else "no",
        problems=tuple(dict.fromkeys(problems)),
        notes=() if progress.done or progress.trouble else (progress.message,),
    )


def _of_pods(pods: list[Obj], ready: int, wanted: int, now: datetime) -> list[str]:
    found = []
    if not wanted:
        found.append("no pod of it is wanted")
    elif ready < wanted:
        found.append(f"{ready} of {wanted} pods are ready")
    for container in _containers(pods):
        ended = moment_of(_last(container).get("finishedAt"))
        often = int(container.get("restartCount", 0)) >= CRASHES
        if often and ended and now - ended < RECENT:
            times = container["restartCount"]
            found.append(f"container {container['name']} keeps ending: {times} restarts")
    return found


def _ended(pods: list[Obj]) -> tuple[str, ...]:
    """Count why containers ended before their last restart."""
    counted: Counter[str] = Counter()
    for container in _containers(pods):
        last = _last(container)
        if last:
            counted[f"{last.get('reason') or 'Ended'} ({last.get('exitCode', 'unknown')})"] += 1
    return tuple(f"{number}x {told}" for told, number in counted.most_common())


def _last(container: Obj) -> Obj:
    ended: Obj = (container.get("lastState") or {}).get("terminated") or {}
    return ended


def _containers(pods: list[Obj]) -> list[Obj]:
    return [each for pod in pods for each in pod.get("status", {}).get("containerStatuses", [])]
