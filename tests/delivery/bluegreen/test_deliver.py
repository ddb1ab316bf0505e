"""Deliveries from the first one to the exit, each against an API in memory."""

import pytest

from delivery.bluegreen.record import Standing, live_on
from delivery.errors import RollbackError, RolloutError, VerificationError
from delivery.gate import Result, Stage, Subject
from tests.delivery.bluegreen.shop import NAME, Scripted, Shop, application
from tests.delivery.memory.world import SERVICES


def standing(shop: Shop) -> Standing:
    """Read how the live release stands."""
    record = live_on(shop.world.store.get(f"{SERVICES}/{NAME}"))
    assert record is not None
    return record.standing


def test_a_first_release_gets_its_service_when_it_can_answer() -> None:
    shop = Shop()
    assert shop.deliver(application("one")) == "live"
    assert shop.users_reach() == {"one"}
    assert shop.replicas() == {"shop-blue": 2}
    created = [each for each in shop.cluster.writes if "services/shop" in each]
    assert created[0].endswith("services/shop")


def test_the_next_release_goes_to_the_other_colour_and_the_old_one_stays_warm() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    assert shop.deliver(application("two")) == "live"
    assert shop.users_reach() == {"two"}
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 2}
    assert standing(shop) is Standing.SETTLED


def test_the_same_release_again_changes_nothing() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    assert shop.deliver(application("one")) == "unchanged"


def test_many_releases_take_turns() -> None:
    shop = Shop()
    for image in ("one", "two", "three", "four", "five"):
        assert shop.deliver(application(image)) == "live"
        assert shop.users_reach() == {image}


@pytest.mark.parametrize("result", [Result.FAIL, Result.ERROR, Result.NO_DATA])
def test_a_gate_on_the_preview_keeps_users_where_they_are(result: Result) -> None:
    shop = Shop()
    shop.deliver(application("one"))
    gate = Scripted(lambda _: result)
    with pytest.raises(VerificationError, match=f"gate scripted: {result}"):
        shop.deliver(application("two", preview=(gate,)))
    assert shop.users_reach() == {"one"}
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 0}


def test_pods_that_crash_keep_users_where_they_are() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    shop.world.broken.add("two")
    with pytest.raises(RolloutError, match="shop-green: CrashLoopBackOff"):
        shop.deliver(application("two"))
    assert shop.users_reach() == {"one"}
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 0}


def test_a_gate_after_the_switch_takes_users_back() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    gate = Scripted(lambda subject: Result.FAIL)
    with pytest.raises(VerificationError, match="users are with one on blue"):
        shop.deliver(application("two", live=(gate,)))
    assert shop.users_reach() == {"one"}
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 0}
    assert standing(shop) is Standing.REVERTED


def test_what_breaks_after_the_switch_is_seen_without_any_gate() -> None:
    shop = Shop()
    shop.deliver(application("one"))

    def sicken(subject: Subject) -> Result:
        if subject.stage is Stage.LIVE:
            shop.world.ill.add("two")
        return Result.PASS

    with pytest.raises(VerificationError, match="gate health: fail"):
        shop.deliver(application("two", live=(Scripted(sicken),)))
    assert shop.users_reach() == {"one"}


def test_beyond_a_barrier_the_new_release_stays_and_says_so() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    gate = Scripted(lambda subject: Result.FAIL)
    with pytest.raises(RollbackError, match="no way back across its barrier"):
        shop.deliver(application("two", barrier="drops a column", live=(gate,)))
    assert shop.users_reach() == {"two"}
    assert shop.deliver(application("three")) == "live"
    assert shop.users_reach() == {"three"}


def test_a_plain_deployment_is_adopted_and_serves_until_the_switch() -> None:
    shop = Shop()
    shop.plain("old")
    assert shop.deliver(application("new")) == "live"
    assert shop.users_reach() == {"new"}
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 2}
