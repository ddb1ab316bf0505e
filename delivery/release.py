"""A release, from the plan to the answer of every service, or back to where it was.

The order: pre-flight, locks, room and a dry run, roll out, verify. Until then nothing is changed. Rolling
services belong together: when one fails, evidence is taken and all of them go back. Blue-green ones each
go their own way (`delivery/bluegreen/`). The old pods serve all along.
"""

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence

from delivery import freeze
from delivery.apply import rehearse
from delivery.bluegreen.assembly import blue_green, machine_for, rolling, taken_out
from delivery.bluegreen.autoscaler import pointed
from delivery.bluegreen.fleet import Fleet
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.trial import demanded, try_out
from delivery.bluegreen.verbs import describe, leave
from delivery.cluster import Cluster, KubectlError, Obj
from delivery.errors import DeliveryError, RolloutError
from delivery.errors import VerificationError as Unverified
from delivery.evidence import collect
from delivery.follow import Hopeless
from delivery.lease import NAME as ENVIRONMENT
from delivery.lease import all_locked, name_of
from delivery.order import depth
from delivery.parts import Parts, deployments, split
from delivery.plan import Plan
from delivery.preflight import check, check_room, ensure_namespace, objects_of, reach
from delivery.progress import say
from delivery.records import Recorder
from delivery.render import render
from delivery.revisions import Before, remember, snapshot
from delivery.rolling import ROLLED_BACK, changed_since, line, undo
from delivery.sequence import roll_out
from delivery.verify import verify

LOCK_PATIENCE_SECONDS = 60.0
Alive = Callable[[], None]


def deploy(cluster: Cluster, plan: Plan) -> str:
    """Deliver a plan; return one line for people."""
    say(f"cluster {reach(cluster)}, namespace {plan.namespace}, plan {plan.digest[:19]}")
    rendered = wanted(cluster, plan)
    ensure_namespace(cluster, plan)
    freeze.check(cluster, plan.namespace, "deploy")
    check(cluster, plan, rendered)
    parts, painted = taken_out(split(rendered, plan), plan)
    recorder, stop = Recorder(cluster, plan), threading.Event()
    with all_locked(cluster, plan.namespace, holder(), _patience(plan), locks(plan)) as held:
        freeze.check(cluster, plan.namespace, "deploy")

        def alive() -> None:
            if stop.is_set():
                raise RolloutError(
                    "asked to end, it stopped where it was. Run it again: it goes on"
                )
            held()

        run = f"{holder()}-{uuid.uuid4().hex[:8]}"
        machines = {
            each.name: machine_for(cluster, plan, each, run, alive, painted[each.name])
            for each in blue_green(plan)
        }
        for name, machine in machines.items():
            facts = machine.look().facts
            following = tuple(pointed(each, name, facts) for each in painted[name].autoscalers)
            parts.services[name] += following
        fleet = Fleet(
            machines, {each.name: each.release_set for each in plan.services}, _teller(recorder)
        )
        try:
            return _deliver(cluster, plan, parts, fleet, recorder, alive, run)
        except BaseException:
            stop.set()
            raise
        finally:
            fleet.join()


def wanted(cluster: Cluster, plan: Plan) -> list[Obj]:
    """Give the objects that a plan is about: those saved in it, or the overlay's as it is now."""
    if plan.objects is not None:
        return list(plan.objects)
    return objects_of(cluster, plan.namespace, render(cluster, plan))


def holder() -> str:
    """Name this run in the lock."""
    return f"{socket.gethostname()}-{os.environ.get('DELIVERY_RUN', str(os.getpid()))}"


def locks(plan: Plan) -> list[str]:
    """Name the locks of a release: one per service, and that of the environment for the rolling ones."""
    names = [name_of(service.name) for service in plan.services]
    return [ENVIRONMENT, *names] if rolling(plan) else names


def status_line(cluster: Cluster, plan: Plan, machine: Machine) -> str:
    """Write what runs of a service, whichever strategy it is delivered by."""
    if machine.look().facts.live is None:
        return line(cluster, plan.namespace, machine.app.name)
    return describe(machine)


def _deliver(
    cluster: Cluster,
    plan: Plan,
    parts: Parts,
    fleet: Fleet,
    recorder: Recorder,
    alive: Alive,
    run: str,
) -> str:
    plain = {each.name: each for each in rolling(plan)}
    names = deployments(parts.objects)
    machines = list(fleet.machines.values())
    check_room(cluster, plan, [*parts.objects, *demanded(machines)])
    rehearse(cluster, plan.namespace, parts.objects)
    try_out(machines)
    for service in plain.values():
        if leave(machine_for(cluster, plan, service, run, alive)):
            remember(cluster, plan.namespace, [service.name])
    before = snapshot(cluster, plan.namespace, names)
    begun: Sequence[str] = list(plain)
    try:
        begun = roll_out(cluster, plan, parts, fleet, alive)
        verify(cluster, plan.namespace, [plain[name] for name in begun])
    except (KubectlError, Hopeless, Unverified) as error:
        raise _undone(cluster, plan, before, recorder, error, alive) from error
    changed = changed_since(cluster, plan.namespace, before)
    remember(cluster, plan.namespace, [name for name in names if _was_begun(name, plain, begun)])
    for name in begun:
        if name in changed:
            recorder.of_rolling(plain[name], "live")
    failures = fleet.failures()
    if failures:
        raise type(failures[0])("\n".join(dict.fromkeys(map(str, failures))))
    lines = [
        f"{status_line(cluster, plan, machine_for(cluster, plan, each, run, alive))}"
        f"{_waits(fleet, each.name)}"
        for each in plan.services
    ]
    return "\n".join(lines)


def _undone(
    cluster: Cluster,
    plan: Plan,
    before: dict[str, Before],
    recorder: Recorder,
    error: KubectlError | Hopeless | Unverified,
    alive: Alive,
) -> DeliveryError:
    """Take evidence and put the rolling services back; make the error that says how it went."""
    told = str(error)
    if isinstance(error, Hopeless):
        say(f"the rollout failed: {error}")
        collect(cluster, plan.namespace, error.deployment, error.trouble.pod)
    elif isinstance(error, Unverified):
        say(f"the verification failed: {error}")
        for name in before:
            collect(cluster, plan.namespace, name)
    else:
        told = f"the manifests were applied in part: {error}"
    changed = changed_since(cluster, plan.namespace, before)
    verdict = "failed"
    try:
        back = undo(cluster, plan, before, alive)
        verdict = ROLLED_BACK
    finally:
        for service in rolling(plan):
            if service.name in changed:
                went = before[service.name].revision
                recorder.of_rolling(service, verdict if went else "failed", told)
    kind = Unverified if isinstance(error, Unverified) else RolloutError
    return kind(f"{told}\n{back}")


def _teller(recorder: Recorder) -> Callable[[Sequence[Machine], str, Exception | None], None]:
    def tell(machines: Sequence[Machine], outcome: str, error: Exception | None) -> None:
        for machine in machines:
            if error is not None:
                recorder.of_machine(machine, "failed", str(error))
            elif outcome != "unchanged":
                recorder.of_machine(machine, outcome)

    return tell


def _waits(fleet: Fleet, name: str) -> str:
    if fleet.outcomes.get(name) == "waits":
        return "\nIt waits: the action promote sends users to it, abort takes it away"
    return ""


def _was_begun(deployment: str, plain: Iterable[str], begun: Sequence[str]) -> bool:
    """Tell whether a Deployment was rolled out: one of a service that was begun, or of nobody in the plan."""
    return deployment in begun or deployment not in plain


def _patience(plan: Plan) -> float:
    """How long another delivery may take: its rollouts, one after the other, and its rollback."""
    watches = sum(each.options.watch_seconds for each in blue_green(plan))
    return (depth(plan.after) + 1) * plan.rollout_seconds + watches + LOCK_PATIENCE_SECONDS
