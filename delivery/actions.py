"""What can be done with an environment besides delivering to it: one function per action of a plan.

Whether a service is blue-green is told by the cluster here, not by the plan: what is there counts.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from delivery import freeze, history
from delivery.bluegreen import verbs
from delivery.bluegreen.assembly import machine_for
from delivery.bluegreen.machine import Machine
from delivery.cluster import Cluster
from delivery.errors import DeliveryError, Refused
from delivery.lease import NAME as ENVIRONMENT
from delivery.lease import all_locked, name_of
from delivery.plan import Plan, Service
from delivery.preflight import reach
from delivery.progress import say
from delivery.records import Recorder
from delivery.release import holder, status_line
from delivery.rolling import ROLLED_BACK
from delivery.rolling import check_rollback as check_rolling
from delivery.rolling import rollback as roll_back

PATIENCE_SECONDS = 60.0
"""Beyond the rollout that may be under way."""


def rollback(cluster: Cluster, plan: Plan) -> str:
    """Go back to what was live before: blue-green by one write, rolling ones by their last revision."""
    recorder = Recorder(cluster, plan)
    with _held(cluster, plan) as (alive, machines):
        coloured = [each for each in machines.values() if each.look().facts.live]
        plain = [each for each in plan.services if machines[each.name] not in coloured]
        verbs.check_rollback(coloured)
        check_rolling(cluster, plan.namespace, plain)
        if coloured:
            with _recorded(recorder, coloured, ROLLED_BACK):
                verbs.rollback(coloured, plan.reason or f"asked for by {plan.who}")
        if plain:
            roll_back(cluster, plan, plain, alive)
            for service in plain:
                recorder.of_rolling(service, ROLLED_BACK)
        return _lines(cluster, plan, machines)


def promote(cluster: Cluster, plan: Plan) -> str:
    """Send users to what waits on the idle colour."""
    freeze.check(cluster, plan.namespace, "promote")
    recorder = Recorder(cluster, plan)
    with _held(cluster, plan) as (_, machines):
        with _recorded(recorder, list(machines.values()), "live"):
            verbs.promote(list(machines.values()))
        return _lines(cluster, plan, machines)


def abort(cluster: Cluster, plan: Plan) -> str:
    """Take away what users have not seen yet."""
    recorder = Recorder(cluster, plan)
    with _held(cluster, plan) as (_, machines):
        with _recorded(recorder, list(machines.values()), "aborted"):
            verbs.abort(list(machines.values()), plan.reason or f"aborted by {plan.who}")
        return _lines(cluster, plan, machines)


def cleanup(cluster: Cluster, plan: Plan) -> str:
    """Scale down what is past its window."""
    with _held(cluster, plan) as (_, machines):
        return "\n".join(verbs.tidy(list(machines.values()))) or "nothing is past its window"


def status(cluster: Cluster, plan: Plan) -> str:
    """Tell what runs, and whether the environment is frozen."""
    reach(cluster)
    machines = _machines(cluster, plan, "", lambda: None)
    lines = [_lines(cluster, plan, machines)]
    found = freeze.frozen(cluster, plan.namespace)
    if found:
        lines.append(f"frozen by {found.who} since {found.since}: {found.reason}")
    return "\n".join(lines)


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
    names = [name_of(each.name) for each in plan.services]
    with all_locked(cluster, plan.namespace, holder(), patience, names) as alive:
        machines = _machines(cluster, plan, run, alive)
        if all(each.look().facts.live for each in machines.values()):
            yield alive, machines
            return
        # A rolling service takes turns with all deliveries of the environment.
        with all_locked(cluster, plan.namespace, holder(), patience, [ENVIRONMENT]) as also:

            def both() -> None:
                alive()
                also()

            yield both, _machines(cluster, plan, run, both)


def _machines(
    cluster: Cluster, plan: Plan, run: str, alive: Callable[[], None]
) -> dict[str, Machine]:
    def made(service: Service) -> Machine:
        return machine_for(cluster, plan, service, run, alive)

    return {service.name: made(service) for service in plan.services}


@contextmanager
def _recorded(recorder: Recorder, machines: list[Machine], verdict: str) -> Iterator[None]:
    """Record what becomes of some applications; a refusal is no delivery."""
    try:
        yield
    except Refused:
        raise
    except DeliveryError as error:
        for machine in machines:
            recorder.of_machine(machine, "failed", str(error))
        raise
    for machine in machines:
        recorder.of_machine(machine, verdict)


def _lines(cluster: Cluster, plan: Plan, machines: dict[str, Machine]) -> str:
    return "\n".join(status_line(cluster, plan, each) for each in machines.values())
