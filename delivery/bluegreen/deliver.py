"""Delivering blue-green: the applications of one release set, from their preview to the end of the watch.

A set of one is the usual case. Its members are prepared and judged side by side, switched one right after
the other, watched together, and go back together.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from delivery.bluegreen import guards
from delivery.bluegreen.aftermath import aftermath, go_back
from delivery.bluegreen.autoscaler import follow
from delivery.bluegreen.judging import Blocked
from delivery.bluegreen.machine import Machine, together
from delivery.bluegreen.states import Aim, Goal, State, state_of
from delivery.errors import DeliveryError, RollbackError, RolloutError, VerificationError
from delivery.follow import Hopeless
from delivery.gate import Stage
from delivery.prober import probing
from delivery.progress import say
from delivery.strategy import Promote

ROUND_SECONDS = 1.0


def deliver(machines: Sequence[Machine]) -> str:
    """Deliver a set; return what became of it in a word. Raise RolloutError, VerificationError, RollbackError."""
    for machine in machines:
        finish(machine)
        guards.check_adoption(machine.app, machine.look().facts)
    try:
        together(machines, Goal.ADOPT)
    except Hopeless as hopeless:
        raise _failed(machines, hopeless, "adoption") from hopeless
    for machine in machines:
        machine.refresh()
    try:
        together(machines, Goal.PREVIEW)
    except (Hopeless, Blocked) as trouble:
        raise _failed(machines, trouble, "preview") from trouble
    fresh = [machine for machine in machines if machine.pending]
    if not fresh:
        together(machines, Goal.TIDY)
        return "unchanged"
    if any(each.app.options.promote is Promote.MANUAL and not each.watching for each in fresh):
        return "waits"
    return switch(fresh)


def switch(machines: Sequence[Machine]) -> str:
    """Send users to what passed its preview, and watch it; return "live"."""
    try:
        together(machines, Goal.PREVIEW)
        with ExitStack() as stack:
            for machine in machines:
                stack.enter_context(_probed(machine))
            together(machines, Goal.SWITCH)
            for machine in machines:
                follow(machine.writer, machine.look().facts)
            watch(machines)
    except (Hopeless, Blocked) as trouble:
        raise _failed(machines, trouble, "watch") from trouble
    together(machines, Goal.SETTLE)
    return "live"


def watch(machines: Sequence[Machine]) -> None:
    """Ask the live gates in rounds until the watch is over; raise Blocked."""
    clock = machines[0].writer.clock
    left = max(machine.watch_left() for machine in machines)
    say(f"watching {', '.join(each.app.name for each in machines)} for {max(0.0, left):.0f} s")
    end = clock.monotonic() + left
    while True:
        for machine in machines:
            machine.panel.judge_live(machine.look())
        if clock.monotonic() >= end:
            return
        clock.sleep(ROUND_SECONDS)


@contextmanager
def _probed(machine: Machine) -> Iterator[None]:
    """Count what users would see during the switch, if the plan wants that."""
    seen = machine.look()
    if not machine.app.rate or seen.service is None:
        yield
        return
    subject = machine.panel.subject(seen, Stage.LIVE)
    with probing(
        machine.writer.cluster, subject, machine.app.rate, machine.app.probe_path
    ) as probe:
        try:
            yield
        finally:
            machine.sample = probe.sample()


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
    except (Hopeless, Blocked) as trouble:
        # Its own run would have failed; this one goes on with what is live then.
        say(f"{machine.app.name}: {trouble}")
        lost = go_back([machine], str(trouble))
        say("\n".join(aftermath([machine], lost)))
        return
    machine.drive(Aim(Goal.SETTLE))


def _failed(machines: Sequence[Machine], trouble: Hopeless | Blocked, stage: str) -> DeliveryError:
    """Take users and colours back to where they were; make the error that says how it went."""
    say(f"the {stage} failed: {trouble}")
    lost = go_back(machines, str(trouble), trouble)
    told = "\n".join([str(trouble), *aftermath(machines, lost)])
    if lost:
        return RollbackError(told)
    return VerificationError(told) if isinstance(trouble, Blocked) else RolloutError(told)
