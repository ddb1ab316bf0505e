"""Kill -9 after every single write of every kind of run: the next run finishes or undoes."""

import copy
import functools
from collections.abc import Callable

import pytest

from delivery.bluegreen.deliver import deliver
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.states import State, state_of
from delivery.bluegreen.verbs import abort, leave, promote, rollback, tidy
from delivery.errors import DeliveryError, Refused
from delivery.gate import Result
from delivery.strategy import Options, Promote
from tests.delivery.bluegreen import invariants
from tests.delivery.bluegreen.shop import NAME, Scripted, Shop, application
from tests.delivery.memory import Killed, MemoryCluster

MOST_WRITES = 60
MANUAL = Options(watch_seconds=3, promote=Promote.MANUAL)
BAD = Scripted(lambda _: Result.FAIL)
Run = Callable[[Shop, MemoryCluster], object]


def delivering(image: str, **changes: object) -> Run:
    """Make a run that delivers an image."""
    return lambda shop, cluster: deliver(
        [shop.machine(application(image, **changes), cluster)]  # type: ignore[arg-type]
    )


def other(verb: Callable[[list[Machine]], object]) -> Run:
    """Make a run that does something else with what is there."""
    return lambda shop, cluster: verb([shop.machine(application(), cluster)])


def nothing(_: Shop) -> None:
    """Start from an empty namespace."""


def plain(shop: Shop) -> None:
    """Start from a plain Deployment."""
    shop.plain("one")


def one(shop: Shop) -> None:
    """Start from one release."""
    shop.deliver(application("one"))


def two(shop: Shop) -> None:
    """Start from a release with the one before on standby."""
    one(shop)
    shop.deliver(application("two"))


def waiting(shop: Shop) -> None:
    """Start from a release that waits for its promotion."""
    two(shop)
    shop.deliver(application("three", options=MANUAL))


def exit_to_plain(machines: list[Machine]) -> None:
    """Leave blue-green."""
    for machine in machines:
        leave(machine)


BEGINNINGS: dict[str, tuple[Callable[[Shop], None], Run]] = {
    "first": (nothing, delivering("one")),
    "adoption": (plain, delivering("two")),
    "second": (one, delivering("two")),
    "third": (two, delivering("three")),
    "bad preview": (two, delivering("bad", preview=(BAD,))),
    "bad watch": (two, delivering("bad", live=(BAD,))),
    "crash": (two, delivering("broken")),
    "held": (two, delivering("three", options=MANUAL)),
    "promotion": (waiting, other(promote)),
    "abort": (waiting, other(lambda machines: abort(machines, "not wanted"))),
    "rollback": (two, other(lambda machines: rollback(machines, "not wanted"))),
    "exit": (two, other(exit_to_plain)),
}
NEXT: dict[str, Run] = {
    "the same": delivering("two"),
    "a newer one": delivering("newer"),
    "rollback": other(lambda machines: rollback(machines, "not wanted")),
    "tidy": other(tidy),
    "exit": other(exit_to_plain),
}


def begun(beginning: str) -> tuple[Shop, Run]:
    """Set the scene of a run."""
    return copy.deepcopy(_scene(beginning)), BEGINNINGS[beginning][1]


@functools.cache
def _scene(beginning: str) -> Shop:
    shop = Shop()
    shop.world.broken.add("broken")
    BEGINNINGS[beginning][0](shop)
    return shop


def killed_after(shop: Shop, run: Run, writes: int) -> bool:
    """Run and kill after that many writes; tell whether it lived long enough to be killed."""
    cluster = MemoryCluster(shop.world)

    def after(method: str, _path: str) -> None:
        if method == "GET":
            return
        invariants.check(shop)
        if len(cluster.writes) >= writes:
            raise Killed

    cluster.after = after
    try:
        run(shop, cluster)
    except Killed:
        return True
    except DeliveryError:
        pass
    return False


def ends(shop: Shop, run: Run) -> bool:
    """Run to the end; tell whether it was refused."""
    cluster = MemoryCluster(shop.world)
    cluster.after = lambda _method, _path: invariants.check(shop)
    try:
        run(shop, cluster)
    except Refused:
        return True
    return False


@pytest.mark.parametrize("following", NEXT)
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_after_every_kill_the_next_run_finishes_or_undoes(beginning: str, following: str) -> None:
    for writes in range(1, MOST_WRITES):
        shop, run = begun(beginning)
        was_killed = killed_after(shop, run, writes)
        before = shop.users_reach()
        shop.world.pass_time(20)
        invariants.check(shop)
        refused = ends(shop, NEXT[following])
        shop.world.pass_time(5)
        invariants.check(shop)
        if refused:
            assert shop.users_reach() == before
        else:
            in_order(shop, following)
        if not was_killed:
            return
    raise AssertionError(f"more than {MOST_WRITES} writes")


def in_order(shop: Shop, following: str) -> None:
    """Assert that nothing is left half done."""
    facts = shop.machine(application()).look().facts
    state = state_of(facts)
    if following in ("the same", "a newer one"):
        assert shop.users_reach() == {"two" if following == "the same" else "newer"}
        assert state in (State.STEADY, State.STANDBY)
        assert not facts.plain.exists
    if following == "exit":
        assert not facts.traces
        assert shop.replicas().keys() <= {NAME}
    if following == "rollback":
        assert state is not State.WATCHING
