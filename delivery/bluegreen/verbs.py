"""What else can be done with blue-green applications, besides delivering: each a goal and its guard."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from delivery.bluegreen import guards
from delivery.bluegreen.autoscaler import follow
from delivery.bluegreen.colours import LIVE, RELEASE, RUN
from delivery.bluegreen.crew import counted, finally_together, timed, together
from delivery.bluegreen.deliver import finish, switch
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.observation import PLAIN
from delivery.bluegreen.record import Standing
from delivery.bluegreen.states import Aim, Goal, State, state_of
from delivery.bluegreen.writer import patch
from delivery.clock import read_time, write_time
from delivery.cluster import ApiError, Obj
from delivery.errors import PreflightError, RollbackError
from delivery.follow import Hopeless
from delivery.ownership import take_over
from delivery.progress import say


def waiting(machines: Sequence[Machine], verb: str) -> list[Machine]:
    """Find those in which a release waits that users have not seen; all of them when there is none.

    The others are told: a whole environment is rarely on its way at once.
    """
    found = [machine for machine in machines if guards.waits(machine.look().facts)]
    for machine in machines:
        if found and machine not in found:
            say(f"{machine.app.name}: nothing to {verb}, it stays as it is")
    return found or list(machines)


def check_promotion(machines: Sequence[Machine], named: Collection[str]) -> None:
    """Refuse when one of them has nothing to promote; nothing was changed."""
    for machine in machines:
        guards.check_promotion(machine.app, machine.look().facts, named)


def promote(machines: Sequence[Machine], named: Collection[str] = ()) -> str:
    """Switch to what waits, after a look at its gates if their verdict is old; `named` may be more than that."""
    check_promotion(machines, named or [machine.app.name for machine in machines])
    for machine in machines:
        machine.aim(machine.look().facts.unfinished)
    return switch(machines)


def abort(machines: Sequence[Machine], why: str) -> str:
    """Scale down what users have not seen yet."""
    for machine in machines:
        guards.check_abort(machine.app, machine.look().facts)
    finally_together(machines, Goal.ABORT, why)
    return "aborted"


def check_rollback(machines: Sequence[Machine]) -> None:
    """Refuse when one of them has nowhere to go; nothing was changed."""
    names = [machine.app.name for machine in machines]
    for machine in machines:
        guards.check_rollback(machine.app, machine.look().facts, names)


def rollback(machines: Sequence[Machine], why: str) -> str:
    """Go back to the release before: at once while it is on standby, else when all are up again."""
    check_rollback(machines)
    with counted(machines), timed(machines, "back"):
        try:
            together(machines, Goal.WARM, why)
            together(machines, Goal.ROLLBACK, why)
        except Hopeless as hopeless:
            stay = [each.app.name for each in machines if not _went_back(each)]
            if stay:
                told = f"the release before does not come up: {hopeless}"
                where = f"Users of {', '.join(stay)} stay where they are"
                raise RollbackError(f"{told}. {where}") from hopeless
            say(f"{hopeless}. Users are back; the action cleanup scales down what they left")
    for machine in machines:
        follow(machine.writer, machine.look().facts)
        answer = machine.answer()
        if not answer.good:
            told = f"{machine.app.name} is back, but {machine.app.health} answers {answer.told}"
            raise RollbackError(told)
    return "rolled back"


def _went_back(machine: Machine) -> bool:
    record = machine.look().facts.record
    return record is not None and record.standing is Standing.ROLLED_BACK


def tidy(machines: Sequence[Machine]) -> list[str]:
    """Scale down what is past its window, whatever left it there; tell what was done."""
    told = []
    for machine in machines:
        before = machine.look().facts
        finally_together([machine], Goal.TIDY)
        after = machine.look()
        if state_of(before) is not state_of(after.facts):
            told.append(f"{machine.app.name}: {state_of(before)} -> {state_of(after.facts)}")
        if state_of(after.facts) is State.WATCHING:
            told.append(f"{machine.app.name}: its watch never ended: deploy or rollback ends it")
    return told


def leave(machine: Machine) -> bool:
    """Hand an application back to the plain Deployment and Service; tell whether there was anything to do.

    Users keep the version that is live.
    """
    if not machine.look().facts.traces:
        return False
    name = machine.app.name
    finish(machine)
    say(f"{name}: leaving blue-green")
    try:
        seen = machine.drive(Aim(Goal.EXIT), "leaving blue-green")
    except Hopeless as hopeless:
        told = f"{name} cannot leave blue-green: {hopeless}. Users stay on its colour"
        raise PreflightError(told) from hopeless
    writer = machine.writer
    left: list[tuple[str, Obj | None]] = [
        (writer.services(name), seen.service),
        (writer.deployments(name), seen.deployments.get(PLAIN)),
    ]
    for path, found in left:
        notes = (found["metadata"].get("annotations") or {}) if found else {}
        ours: Obj = {key: None for key in (LIVE, RELEASE, RUN) if key in notes}
        if ours:
            try:
                patch(writer, path, found, {"metadata": {"annotations": ours}})
            except ApiError as error:
                say(f"{name}: a note of blue-green stays on {path}: {error}")
    # It was made by one write and filled by another; later releases have to be able to take things out.
    take_over(writer.cluster, machine.app.namespace, name)
    return True


def describe(machine: Machine) -> str:
    """Write where an application is, in one line and one for the idle colour."""
    facts = machine.look().facts
    state, name = state_of(facts), machine.app.name
    if facts.live is None:
        return f"{name}: {state}, no colour is live"
    running, active = facts.running, facts.active
    line = f"{name}: {active.ready} of {active.wanted} ready, {facts.live} is live"
    if running:
        line += f", version {running.version}, {running.image}"
    if facts.record and facts.record.standing is not Standing.SETTLED:
        line += f", {facts.record.standing} since {facts.record.since}"
    held, idle = facts.idle.release, facts.idle
    if not held or not idle.exists:
        return line
    other = f"{name}: {facts.target} is idle, {held.version} {state}: {idle.ready} of {idle.wanted} ready"
    if state is State.STANDBY and facts.record:
        other += f", kept until {facts.record.standby_until}"
    if state is State.PREVIEWED:
        seconds = timedelta(seconds=machine.app.options.preview_seconds)
        other += f", waits for its promotion until {write_time(read_time(held.since) + seconds)}"
    if held.told:
        other += f" ({held.told})"
    return f"{line}\n{other}"
