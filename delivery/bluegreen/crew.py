"""Several machines as one: side by side to a goal, with what it cost in seconds and requests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from delivery.bluegreen.machine import Machine, Step
from delivery.bluegreen.states import Aim, Goal
from delivery.counter import Watched, counting
from delivery.follow import Hopeless
from delivery.gate import Stage
from delivery.progress import say
from delivery.sample import Sample


@contextmanager
def counted(machines: Sequence[Machine]) -> Iterator[None]:
    """Count until the block ends what users would see of it, where the plan wants that."""
    watched = dict[str, Watched]()
    for machine in machines:
        seen, app = machine.look(), machine.app
        if app.rate and seen.service is not None:
            subject = machine.panel.subject(seen, Stage.LIVE)
            watched[app.name] = Watched(subject, app.rate, app.probe_path)
    samples: dict[str, Sample] = {}
    try:
        with counting(machines[0].writer.cluster, watched) as samples:
            yield
    finally:
        for machine in machines:
            machine.sample = samples.get(machine.app.name)


@contextmanager
def timed(machines: Sequence[Machine], stage: str) -> Iterator[None]:
    """Take down how long a stage takes, whatever it comes to."""
    clock = machines[0].writer.clock
    begun = clock.monotonic()
    try:
        yield
    finally:
        for machine in machines:
            machine.timings[stage] = round(clock.monotonic() - begun, 3)


def together(machines: Sequence[Machine], goal: Goal, why: str = "") -> None:
    """Take several applications to a goal side by side; raise what the first of them raises."""
    waiting = list(machines)
    while waiting:
        for machine in list(waiting):
            aim = Aim(goal, machine.app.release, machine.app.options.preview_seconds)
            if machine.step(aim, why) is Step.DONE:
                waiting.remove(machine)


def finally_together(machines: Sequence[Machine], goal: Goal, why: str = "") -> None:
    """Put in order what users do not notice any more; what takes too long is left to the next run."""
    try:
        together(machines, goal, why)
    except Hopeless as late:
        say(f"{late}. Users do not notice; the next run or the action cleanup goes on with it")
