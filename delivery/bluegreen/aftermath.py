"""When a release fails: users first, then evidence, then the pods that nobody needs."""

from collections.abc import Mapping, Sequence

from delivery.bluegreen.autoscaler import follow
from delivery.bluegreen.colours import Colour, side_name
from delivery.bluegreen.crew import finally_together, timed
from delivery.bluegreen.judging import Blocked
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.record import Standing
from delivery.bluegreen.states import Aim, Goal, State, state_of
from delivery.cluster import ApiError
from delivery.counter import told
from delivery.errors import RollbackError
from delivery.evidence import collect
from delivery.follow import Hopeless
from delivery.progress import say

Trouble = Hopeless | Blocked | ApiError
"""Why a release ends: its pods, a gate, or an API server that does not let it be watched any more."""


def go_back(
    machines: Sequence[Machine], why: str, trouble: Trouble | None = None
) -> list[RollbackError]:
    """Undo a release of these applications; return what could not be undone."""
    failing = dict[str, Colour | None]()
    with timed(machines, "back"):
        lost = [error for machine in machines if (error := _users_back(machine, why, failing))]
    try:
        _put_in_order(machines, why, trouble, failing)
    except ApiError as error:
        say(
            f"{error.__cause__ or error}. What has pods for nothing is left to the next run or the action cleanup"
        )
    return lost


def _put_in_order(
    machines: Sequence[Machine],
    why: str,
    trouble: Trouble | None,
    failing: Mapping[str, Colour | None],
) -> None:
    """Keep the evidence and end the pods; users are where they shall be."""
    for machine in machines:
        follow(machine.writer, machine.look().facts)
        colour = failing.get(machine.app.name)
        if colour and _concerns(machine, trouble):
            pod = trouble.trouble.pod if isinstance(trouble, Hopeless) else ""
            name = side_name(machine.app.name, colour)
            collect(machine.writer.cluster, machine.app.namespace, name, pod)
    finally_together(machines, Goal.UNDO, why)


def aftermath(machines: Sequence[Machine], lost: Sequence[RollbackError]) -> list[str]:
    """Tell in one line per application what users reach now."""
    lines = [str(error) for error in lost]
    for machine in machines:
        try:
            facts = machine.look().facts
        except ApiError as error:
            lines.append(f"{machine.app.name}: cannot be looked at: {error.__cause__ or error}")
            lines += told(machine.app.name, machine.sample)
            continue
        name, record, running = machine.app.name, facts.record, facts.running
        if facts.live is None:
            served = (
                "the Deployment that was there serves on" if facts.plain.ready else "nothing serves"
            )
            lines.append(f"{name}: {served}; the new pods were scaled down.")
        elif record and record.standing is Standing.FAILED:
            kept = "no release was live before"
            if record.release.barrier:
                kept = f"there is no way back across its barrier ({record.release.barrier})"
            elif record.previous:
                kept = "the release before did not come back"
            lines.append(f"{name}: {record.release.version} stays live: {kept}.")
        else:
            version = running.version if running else "unknown"
            lines.append(
                f"{name}: users are with {version} on {facts.live}; nothing else has pods."
            )
        lines += told(name, machine.sample)
    return lines


def _unwanted(machine: Machine) -> Colour | None:
    """Name the colour that the failing release is on."""
    facts = machine.look().facts
    if state_of(facts) is State.WATCHING:
        return facts.live
    return facts.target if facts.idle.exists else None


def _users_back(
    machine: Machine, why: str, failing: dict[str, Colour | None]
) -> RollbackError | None:
    """Switch back if users were sent to it; note it as failed when there is no way.

    `failing` is told which colour the failing release is on.
    """
    name, namespace = machine.app.name, machine.app.namespace
    watched = False
    machine.insist()
    try:
        failing[name] = _unwanted(machine)
        while state_of(machine.look().facts) is State.WATCHING:
            watched = True
            machine.step(Aim(Goal.UNDO), why)
        record = machine.look().facts.record
    except Hopeless as hopeless:
        machine.give_up(why)
        failed = f"the way back failed too: {hopeless}. It needs a new version, or a person"
        return RollbackError(f"{failed}: kubectl -n {namespace} get pods")
    except ApiError as error:
        return _stranded(machine, error) if machine.exposed else None
    if watched and record and record.standing is Standing.FAILED and record.release.barrier:
        return RollbackError(f"{name} is beyond a barrier and needs a new version that repairs it")
    return None


def _stranded(machine: Machine, error: ApiError) -> RollbackError:
    """Say whom users are with when nobody can bring them back now."""
    wanted, name = machine.app.release, machine.app.name
    version = wanted.version if wanted else "the new release"
    return RollbackError(
        f"{name}: users ARE on {version} and nobody watches it, for the way back was refused:"
        f" {error.__cause__ or error}. As soon as the API server answers: the action rollback, or run it"
        " again, then it is watched to its end"
    )


def _concerns(machine: Machine, trouble: Trouble | None) -> bool:
    """Tell whether the trouble is of this application; without one, of each."""
    if isinstance(trouble, Blocked):
        return trouble.application == machine.app.name
    if isinstance(trouble, Hopeless):
        names = [machine.app.name, *(side_name(machine.app.name, each) for each in Colour)]
        return trouble.deployment in names
    # An API server that fails is no fault of any pod.
    return not isinstance(trouble, ApiError)
