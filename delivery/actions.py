"""What can be done with an environment besides delivering to it: one function per action of a plan.

Whether a service is blue-green is told by the cluster here, not by the plan: what is there counts.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from delivery import freeze, history
from delivery.bluegreen import verbs
from delivery.bluegreen.assembly import machine_for
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.record import Standing
from delivery.cluster import Cluster
from delivery.counter import told
from delivery.errors import DeliveryError, Refused
from delivery.extent import Extent, extent
from delivery.history import FAILED, LIVE, ROLLED_BACK
from delivery.lease import NAME as ENVIRONMENT
from delivery.lease import all_locked, name_of
from delivery.plan import Plan, Service
from delivery.preflight import reach
from delivery.progress import say
from delivery.records import Recorder
from delivery.release import holder, status_line
from delivery.rolling import check_rollback as check_rolling
from delivery.rolling import past
from delivery.rolling import rollback as roll_back

PATIENCE_SECONDS = 60.0
"""Beyond the rollout that may be under way."""


def rollback(cluster: Cluster, plan: Plan) -> str:
    """Go back to what was live before, with all that the last release changed of the named services.

    Blue-green ones by one write, rolling ones by their last good revision.
    """
    recorder = Recorder(cluster, plan)
    with _held(cluster, plan) as (alive, machines):
        reach_of = _extent(cluster, plan, machines)
        for name, why in reach_of.stay.items():
            say(f"{name}: {why}")
        chosen = [machines[name] for name in reach_of.back]
        coloured = [each for each in chosen if each.look().facts.live]
        gone = {each.app.name for each in coloured}
        plain = [each for each in plan.services if each.name in set(reach_of.back) - gone]
        verbs.check_rollback(coloured)
        check_rolling(cluster, plan.namespace, plain)
        if coloured:
            with _recorded(recorder, coloured, ROLLED_BACK):
                verbs.rollback(coloured, plan.reason or f"asked for by {plan.who}")
        if plain:
            with _recorded_rolling(recorder, plain):
                roll_back(cluster, plan, plain, alive)
        stays = [f"{name}: {why}" for name, why in reach_of.stay.items()]
        return "\n".join([_lines(cluster, plan, machines), *_counts(machines), *stays])


def promote(cluster: Cluster, plan: Plan) -> str:
    """Send users to what waits on the idle colour."""
    freeze.check(cluster, plan.namespace, "promote")
    recorder = Recorder(cluster, plan)
    with _held(cluster, plan) as (_, machines):
        freeze.check(cluster, plan.namespace, "promote")
        chosen = verbs.waiting(list(machines.values()), "promote")
        with _recorded(recorder, chosen, LIVE):
            verbs.promote(chosen, list(machines))
        return "\n".join([_lines(cluster, plan, machines), *_counts(machines)])


def abort(cluster: Cluster, plan: Plan) -> str:
    """Take away what users have not seen yet."""
    recorder = Recorder(cluster, plan)
    with _held(cluster, plan) as (_, machines):
        chosen = verbs.waiting(list(machines.values()), "abort")
        for machine in chosen:
            # The record is about what is taken away, not about what stays.
            machine.aim(machine.look().facts.unfinished)
        with _recorded(recorder, chosen, "aborted"):
            verbs.abort(chosen, plan.reason or f"aborted by {plan.who}")
        return _lines(cluster, plan, machines)


def cleanup(cluster: Cluster, plan: Plan) -> str:
    """Scale down what is past its window; in a frozen environment the way back is kept."""
    freeze.check(cluster, plan.namespace, "cleanup")
    with _held(cluster, plan) as (_, machines):
        freeze.check(cluster, plan.namespace, "cleanup")
        return "\n".join(verbs.tidy(list(machines.values()))) or "nothing is past its window"


def status(cluster: Cluster, plan: Plan) -> str:
    """Tell what runs, and whether the environment is frozen."""
    reach(cluster)
    machines = _machines(cluster, plan, "", lambda: None)
    lines = [_lines(cluster, plan, machines)]
    return "\n".join([*lines, freeze.told(cluster, plan.namespace)]).strip()


def tell_history(cluster: Cluster, plan: Plan) -> str:
    """Tell what was delivered, by whom, and how it went."""
    reach(cluster)
    return "\n".join(
        history.describe(each.name, history.entries(cluster, plan.namespace, each.name))
        for each in plan.services
    )


def freeze_environment(cluster: Cluster, plan: Plan) -> str:
    """Let nothing new in."""
    reach(cluster)
    return freeze.freeze(cluster, plan.namespace, plan.who, plan.reason)


def unfreeze_environment(cluster: Cluster, plan: Plan) -> str:
    """Let new things in again."""
    reach(cluster)
    return freeze.unfreeze(cluster, plan.namespace, plan.who)


@contextmanager
def _held(cluster: Cluster, plan: Plan) -> Iterator[tuple[Callable[[], None], dict[str, Machine]]]:
    """Hold the locks of the plan's services; give what raises when one is lost, and their machines."""
    say(f"cluster {reach(cluster)}, namespace {plan.namespace}")
    if not plan.services:
        raise Refused("no service is named", "an action is about services", "name one in the plan")
    patience = plan.rollout_seconds + PATIENCE_SECONDS
    run = f"{holder()}-{uuid.uuid4().hex[:8]}"
    # A rolling service takes turns with all deliveries of the environment. Every run takes its locks in one
    # order, so what it needs is looked up before; whoever finds another state under the locks begins again.
    whole = not _all_coloured(_machines(cluster, plan, "", lambda: None))
    while True:
        names = [name_of(each.name) for each in plan.services] + [ENVIRONMENT] * whole
        with all_locked(cluster, plan.namespace, holder(), patience, names) as alive:
            machines = _machines(cluster, plan, run, alive)
            if whole or _all_coloured(machines):
                yield alive, machines
                return
        whole = True


def _all_coloured(machines: Mapping[str, Machine]) -> bool:
    return all(each.look().facts.live for each in machines.values())


def _machines(
    cluster: Cluster, plan: Plan, run: str, alive: Callable[[], None]
) -> dict[str, Machine]:
    def made(service: Service) -> Machine:
        return machine_for(cluster, plan, service, run, alive)

    return {service.name: made(service) for service in plan.services}


def _extent(cluster: Cluster, plan: Plan, machines: Mapping[str, Machine]) -> Extent:
    """Find what a rollback of the plan's services is about."""
    histories = {name: past(cluster, plan.namespace, name) for name in machines}
    records = {name: each.look().facts.record for name, each in machines.items()}
    ahead = (Standing.WATCHING, Standing.FAILED)
    forward = {name for name, each in records.items() if each and each.standing in ahead}
    return extent(histories, forward)


@contextmanager
def _recorded_rolling(recorder: Recorder, services: Sequence[Service]) -> Iterator[None]:
    """Record how services went back by their revisions."""
    try:
        yield
    except DeliveryError as error:
        for service in services:
            recorder.of_rolling(service, FAILED, str(error))
        raise
    for service in services:
        recorder.of_rolling(service, ROLLED_BACK)


@contextmanager
def _recorded(recorder: Recorder, machines: list[Machine], verdict: str) -> Iterator[None]:
    """Record what becomes of some applications; a refusal is no delivery."""
    try:
        yield
    except Refused:
        raise
    except DeliveryError as error:
        for machine in machines:
            recorder.of_machine(machine, FAILED, str(error))
        raise
    for machine in machines:
        recorder.of_machine(machine, verdict)


def _lines(cluster: Cluster, plan: Plan, machines: Mapping[str, Machine]) -> str:
    return "\n".join(status_line(cluster, plan, each) for each in machines.values())


def _counts(machines: Mapping[str, Machine]) -> list[str]:
    return [line for name, each in machines.items() for line in told(name, each.sample)]
