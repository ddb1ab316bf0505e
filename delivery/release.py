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
from delivery.cluster import ApiError, Cluster, KubectlError, Obj
from delivery.counter import counting, told
from delivery.endings import findings
from delivery.errors import Refused, Stopped
from delivery.errors import VerificationError as Unverified
from delivery.failure import Undone, joined, undone
from delivery.follow import Hopeless
from delivery.gate import Verdict
from delivery.history import FAILED, LIVE
from delivery.inspection import inspect, watched
from delivery.lease import NAME as ENVIRONMENT
from delivery.lease import all_locked, name_of
from delivery.order import depth
from delivery.parts import Parts, deployments, split
from delivery.plan import Plan
from delivery.preflight import check, check_room, ensure_namespace, objects_of, reach
from delivery.progress import say
from delivery.records import Recorder
from delivery.render import render
from delivery.revisions import remember, snapshot
from delivery.rolling import changed_since, line
from delivery.sequence import failures, roll_out
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
    advise(plan, rendered)
    parts, painted = taken_out(split(rendered, plan), plan)
    recorder, stop = Recorder(cluster, plan), threading.Event()
    with all_locked(cluster, plan.namespace, holder(), _patience(plan), locks(plan)) as held:
        freeze.check(cluster, plan.namespace, "deploy")

        def alive() -> None:
            if stop.is_set():
                raise Stopped("asked to end, it stopped where it was. Run it again: it goes on")
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
            try:
                return _deliver(cluster, plan, parts, fleet, recorder, alive, run)
            except Exception:
                # A failure of one is none of the others': each goes its way to its end.
                fleet.join()
                raise
        except (SystemExit, KeyboardInterrupt):
            stop.set()
            raise
        finally:
            fleet.join()


def wanted(cluster: Cluster, plan: Plan) -> list[Obj]:
    """Give the objects that a plan is about: those saved in it, or the overlay's as it is now."""
    if plan.objects is not None:
        return list(plan.objects)
    return objects_of(cluster, plan.namespace, render(cluster, plan))


def advise(plan: Plan, objects: Sequence[Obj]) -> None:
    """Warn of manifests by which users notice that pods come and go; that is no reason to refuse."""
    names = [service.name for service in plan.services]
    ours = [each for each in objects if each["kind"] != "Deployment" or _named(each) in names]
    for finding in findings(ours, [service.name for service in rolling(plan)]):
        say(f"warning: {finding.told}\n  Way out: {finding.way_out}")


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
    verdicts: dict[str, list[Verdict]] = {}
    failure: Undone | None = None
    with counting(cluster, watched(cluster, plan, plain.values())) as samples:
        try:
            begun = roll_out(cluster, plan, parts, fleet, alive)
            rolled = [plain[name] for name in begun]
            verify(cluster, plan.namespace, rolled)
            verdicts = inspect(cluster, plan, rolled, recorder.begun, alive)
        except (KubectlError, ApiError, Hopeless, Unverified) as error:
            failure = undone(cluster, plan, before, error, alive)
    counts = [line for name, sample in samples.items() for line in told(name, sample)]
    if failure is not None:
        for name, verdict in failure.verdicts.items():
            recorder.of_rolling(plain[name], verdict, failure.reason, (), samples.get(name))
        fleet.join()
        raise joined(failure.error, failures(fleet), [*counts, *_ended(fleet)])
    changed = changed_since(cluster, plan.namespace, before, alive)
    remember(cluster, plan.namespace, [name for name in names if _was_begun(name, plain, begun)])
    for name in begun:
        if name in changed:
            recorder.of_rolling(plain[name], LIVE, "", verdicts.get(name, ()), samples.get(name))
    failed = failures(fleet)
    lines = [
        f"{status_line(cluster, plan, machine_for(cluster, plan, each, run, alive))}"
        f"{_waits(fleet, each.name)}"
        for each in plan.services
        if not failed or each.name in fleet.outcomes or each.name in begun
    ]
    counts += [line for name, each in fleet.machines.items() for line in told(name, each.sample)]
    if failed:
        raise joined(None, failed, [*lines, *counts])
    return "\n".join([*lines, *counts])


def _ended(fleet: Fleet) -> list[str]:
    """Tell what became of the blue-green services beside those that failed."""
    return [f"{name}: {outcome}" for name, outcome in fleet.outcomes.items()]


def _teller(recorder: Recorder) -> Callable[[Sequence[Machine], str, Exception | None], None]:
    def tell(machines: Sequence[Machine], outcome: str, error: Exception | None) -> None:
        if isinstance(error, Refused):
            # A refusal is no delivery.
            return
        for machine in machines:
            if error is not None:
                recorder.of_machine(machine, FAILED, str(error))
            elif machine.changed:
                recorder.of_machine(machine, outcome)

    return tell


def _waits(fleet: Fleet, name: str) -> str:
    if fleet.outcomes.get(name) == "waits":
        return "\nIt waits: the action promote sends users to it, abort takes it away"
    return ""


def _named(obj: Obj) -> str:
    return str(obj["metadata"]["name"])


def _was_begun(deployment: str, plain: Iterable[str], begun: Sequence[str]) -> bool:
    """Tell whether a Deployment was rolled out: one of a service that was begun, or of nobody in the plan."""
    return deployment in begun or deployment not in plain


def _patience(plan: Plan) -> float:
    """How long another delivery may take: its rollouts, one after the other, and its rollback."""
    watches = sum(each.options.watch_seconds for each in blue_green(plan))
    return (depth(plan.after) + 1) * plan.rollout_seconds + watches + LOCK_PATIENCE_SECONDS
