"""Delivering blue-green: the applications of one release set, from their preview to the end of the watch.

A set of one is the usual case. Its members are prepared and judged side by side, switched one right after
the other, watched together, and go back together.
"""

from collections.abc import Sequence
from dataclasses import replace

from delivery.bluegreen import guards
from delivery.bluegreen.aftermath import Trouble, aftermath, go_back
from delivery.bluegreen.autoscaler import follow
from delivery.bluegreen.crew import counted, finally_together, timed, together
from delivery.bluegreen.judging import Blocked
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.states import Aim, Goal, State, state_of
from delivery.cluster import ApiError
from delivery.errors import DeliveryError, RollbackError, RolloutError, VerificationError
from delivery.follow import Hopeless
from delivery.progress import say
from delivery.strategy import Promote

ROUND_SECONDS = 1.0


def deliver(machines: Sequence[Machine]) -> str:
    """Deliver a set; return what became of it in a word. Raise RolloutError, VerificationError, RollbackError."""
    for machine in machines:
        finish(machine)
        guards.check_adoption(machine.app, machine.look().facts)
    with timed(machines, "adoption"):
        _reach(machines, Goal.ADOPT, "adoption")
    for machine in machines:
        machine.refresh()
        _warn(machine)
    with timed(machines, "preview"):
        _reach(machines, Goal.PREVIEW, "preview")
    for machine in machines:
        machine.changed = machine.pending
    fresh = [machine for machine in machines if machine.changed]
    if not fresh:
        finally_together(machines, Goal.TIDY)
        return "unchanged"
    if any(each.app.options.promote is Promote.MANUAL and not each.watching for each in fresh):
        return "waits"
    return switch(fresh)


def _warn(machine: Machine) -> None:
    """Say what is lost by this release."""
    name, want, facts = machine.app.name, machine.app.release, machine.look().facts
    if facts.drifted:
        say(f"{name}: somebody changed the live Deployment by hand; it is replaced")
    running, before = facts.running, facts.previous
    if want and running and before and want.digest != running.digest:
        say(f"{name}: {before.version}, to which a rollback would have gone, gives up its place")


def switch(machines: Sequence[Machine]) -> str:
    """Send users to what passed its preview, and watch it; return "live"."""
    names = tuple(machine.app.name for machine in machines)
    for machine in machines:
        if machine.app.release is not None:
            members = names if len(names) > 1 else ()
            machine.aim(replace(machine.app.release, members=members))
    _reach(machines, Goal.PREVIEW, "preview")
    trouble: Trouble | None = None
    lost: list[RollbackError] = []
    with counted(machines):
        try:
            with timed(machines, "switch"):
                together(machines, Goal.SWITCH)
            for machine in machines:
                follow(machine.writer, machine.look().facts)
            with timed(machines, "watch"):
                watch(machines)
        except (Hopeless, Blocked, ApiError) as found:
            if isinstance(found, ApiError) and not any(each.exposed for each in machines):
                raise
            # The counter goes on until users are back.
            trouble = _itself(found)
            lost = _gone_back(machines, trouble, "watch")
    if trouble is not None:
        raise _error(machines, trouble, lost) from trouble
    finally_together(machines, Goal.SETTLE)
    return "live"


def watch(machines: Sequence[Machine]) -> None:
    """Ask the live gates in rounds until the watch is over; raise Blocked.

    A last round that was bad is followed by others, until they block or are good: nothing is settled in doubt.
    """
    clock = machines[0].writer.clock
    left = max(machine.watch_left() for machine in machines)
    say(f"watching {', '.join(each.app.name for each in machines)} for {max(0.0, left):.0f} s")
    end = clock.monotonic() + left
    while True:
        for machine in machines:
            machine.panel.judge_live(machine.look())
        if clock.monotonic() >= end and not any(each.panel.in_doubt for each in machines):
            return
        clock.sleep(ROUND_SECONDS)


def finish(machine: Machine) -> None:
    """End the watch that another run left, before its way back is taken; not that of the wanted release."""
    seen = machine.look()
    running, want = seen.facts.running, machine.app.release
    if state_of(seen.facts) is not State.WATCHING:
        return
    if running and want and running.digest == want.digest:
        return
    say(f"{machine.app.name}: another run left {running.version if running else ''} unwatched")
    try:
        machine.drive(Aim(Goal.SWITCH))
        watch([machine])
        finally_together([machine], Goal.SETTLE)
    except (Hopeless, Blocked) as trouble:
        # Its own run would have failed; this one goes on with what is live then.
        say(f"{machine.app.name}: {trouble}")
        lost = go_back([machine], str(trouble))
        say("\n".join(aftermath([machine], lost)))
    # The record of what is delivered now has nothing of this.
    machine.judge_anew()
    machine.timings.clear()


def _reach(machines: Sequence[Machine], goal: Goal, stage: str) -> None:
    """Go to a goal before users notice anything; take everything back when that does not work."""
    try:
        together(machines, goal)
    except (Hopeless, Blocked) as trouble:
        raise _error(machines, trouble, _gone_back(machines, trouble, stage)) from trouble


def _gone_back(machines: Sequence[Machine], trouble: Trouble, stage: str) -> list[RollbackError]:
    """Take users and colours back to where they were; return what could not be."""
    say(f"the {stage} failed: {trouble}")
    return go_back(machines, str(trouble), trouble)


def _itself(found: Trouble) -> Trouble:
    """Take a refusal without the advice to run again: users are not where they shall be."""
    cause = found.__cause__
    return cause if isinstance(found, ApiError) and isinstance(cause, ApiError) else found


def _error(
    machines: Sequence[Machine], trouble: Trouble, lost: Sequence[RollbackError]
) -> DeliveryError:
    """Make the error that says how it went."""
    told = "\n".join([str(trouble), *aftermath(machines, lost)])
    if lost:
        return RollbackError(told)
    return VerificationError(told) if isinstance(trouble, Blocked) else RolloutError(told)
