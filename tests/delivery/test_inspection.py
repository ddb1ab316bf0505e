"""The live gates of a rolling service: asked until they pass, or were bad too often in a row."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.errors import VerificationError
from delivery.gate import Policy, Result
from delivery.inspection import inspect, subject_of
from delivery.plan import Action, Plan, Service
from delivery.strategy import Checks
from tests.delivery.bluegreen.shop import NAME, Scripted, Shop
from tests.delivery.memory.world import NS

FAIL, PASS, NO_DATA = Result.FAIL, Result.PASS, Result.NO_DATA


def plan(*gates: Scripted) -> Plan:
    """Make a plan of one rolling service with live gates."""
    service = Service(NAME, "shop@sha256:aa", "/health", "1", checks=Checks(live=gates))
    return Plan(Action.DEPLOY, "test", NS, Path("/nowhere"), 60, None, "abc", (service,))


def scripted(limit: int, *results: Result) -> Scripted:
    """Make a gate that gives results in turn."""
    turn: Iterator[Result] = iter(results)
    return Scripted(lambda _subject: next(turn), f"limit-{limit}", Policy(limit=limit))


def asked(shop: Shop, wanted: Plan) -> list[tuple[str, Result]]:
    """Inspect, and give the last verdicts."""
    clock = shop.clock()
    verdicts = inspect(shop.cluster, wanted, wanted.services, clock.now(), lambda: None, clock)
    return [(each.gate, each.result) for each in verdicts[NAME]]


def test_a_gate_that_passes_is_asked_once() -> None:
    assert asked(Shop(), plan(scripted(1, PASS))) == [("limit-1", PASS)]


@pytest.mark.parametrize("result", [FAIL, NO_DATA])
def test_one_bad_result_ends_it_where_no_more_are_allowed(result: Result) -> None:
    with pytest.raises(VerificationError, match=f"shop: gate limit-1: {result}: live of "):
        asked(Shop(), plan(scripted(1, result)))


def test_a_gate_with_a_limit_is_asked_again_and_the_others_are_not() -> None:
    gates = scripted(3, FAIL, FAIL, PASS), scripted(1, PASS)
    assert asked(Shop(), plan(*gates)) == [("limit-3", PASS), ("limit-1", PASS)]


def test_as_many_bad_ones_in_a_row_as_the_limit_says_end_it() -> None:
    with pytest.raises(VerificationError, match="gate limit-2: fail"):
        asked(Shop(), plan(scripted(2, FAIL, FAIL)))


def test_only_the_pods_of_the_present_revision_are_judged() -> None:
    shop = Shop()
    shop.plain("old")
    shop.plain("new")
    wanted = plan()
    subject = subject_of(shop.cluster, wanted, wanted.services[0], shop.world.now)
    pairs = dict(pair.split("=") for pair in subject.pods.split(","))
    found = shop.world.store.list(f"/api/v1/namespaces/{NS}/pods", pairs)
    assert {each["spec"]["containers"][0]["image"] for each in found} == {"new"}
    assert len(found) == 2
