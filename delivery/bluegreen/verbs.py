"""What else can be done with blue-green applications, besides delivering: each a goal and its guard."""

from collections.abc import Sequence

from delivery.bluegreen import guards
from delivery.bluegreen.autoscaler import follow
from delivery.bluegreen.colours import LIVE, RELEASE, RUN
from delivery.bluegreen.deliver import finish, switch
from delivery.bluegreen.machine import Machine, together
from delivery.bluegreen.observation import PLAIN
from delivery.bluegreen.record import Standing
from delivery.bluegreen.states import Aim, Goal, State, state_of
from delivery.bluegreen.writer import patch
from delivery.cluster import ApiError, Obj
from delivery.errors import PreflightError, RollbackError
from delivery.follow import Hopeless
from delivery.progress import say


def promote(machines: Sequence[Machine]) -> str:
    """Switch to what waits, after a look at its gates if their verdict is old."""
    ready = []
    for machine in machines:
        facts = machine.look().facts
        guards.check_promotion(machine.app, facts)
        ready.append(machine.aimed_at(facts.unfinished))
    return switch(ready)


def abort(machines: Sequence[Machine], why: str) -> str:
    """Scale down what users have not seen yet."""
    for machine in machines:
        guards.check_abort(machine.app, machine.look().facts)
    together(machines, Goal.ABORT, why)
    return "aborted"


def check_rollback(machines: Sequence[Machine]) -> None:
    """Refuse when one of them has nowhere to go; nothing was changed."""
    names = [machine.app.name for machine in machines]
    for machine in machines:
        guards.check_rollback(machine.app, machine.look().facts, names)


def rollback(machines: Sequence[Machine], why: str) -> str:
    """Go back to the release before: at once while it is on standby, else when it is up again."""
    check_rollback(machines)
    try:
        together(machines, Goal.ROLLBACK, why)
    except Hopeless as hopeless:
        told = f"the release before does not come up: {hopeless}"
        raise RollbackError(f"{told}. Users stay where they are") from hopeless
    for machine in machines:
        follow(machine.writer, machine.look().facts)
        answer = machine.answer()
        if not answer.good:
            told = f"{machine.app.name} is back, but {machine.app.health} answers {answer.told}"
            raise RollbackError(told)
    return "rolled back"


def tidy(machines: Sequence[Machine]) -> list[str]:
    """Scale down what is past its window, whatever left it there; tell what was done."""
    told = []
    for machine in machines:
        before = machine.look().facts
        after = machine.drive(Aim(Goal.TIDY, preview_seconds=machine.app.options.preview_seconds))
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
    if held.told:
        other += f" ({held.told})"
    return f"{line}\n{other}"
