"""The lock: held as long as it is renewed, free when its holder fell silent, lost when somebody took it."""

import pytest

from delivery import lease
from delivery.errors import PreflightError, RolloutError
from tests.delivery.bluegreen.shop import Shop
from tests.delivery.memory.world import NS, VirtualClock

PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NS}/leases/{lease.NAME}"


def taken(shop: Shop, holder: str, patience: float = 60) -> lease.Lease:
    """Take the lock."""
    return lease.taken(shop.cluster, NS, holder, patience, clock=shop.clock())


def test_who_renews_in_time_holds_it() -> None:
    shop = Shop()
    held = taken(shop, "ann")
    for _ in range(5):
        shop.world.pass_time(10)
        held.tend()
        held.still_held()


def test_who_stood_still_for_too_long_does_not_trust_it_any_more() -> None:
    shop = Shop()
    held = taken(shop, "ann")
    shop.world.pass_time(lease.DURATION_SECONDS + 1)
    with pytest.raises(RolloutError, match="the lock was lost: it was not renewed for 15 s"):
        held.still_held()


def test_the_lock_of_the_dead_is_free_after_its_time_and_not_before() -> None:
    shop = Shop()
    taken(shop, "dead")
    with pytest.raises(PreflightError, match=r"within 5 seconds: dead.*\n  Way out: wait for"):
        taken(shop, "ann", patience=5)
    begun = shop.world.seconds
    taken(shop, "ann")
    assert lease.DURATION_SECONDS < shop.world.seconds - begun < lease.DURATION_SECONDS + 2


def test_a_lock_that_is_renewed_is_waited_for() -> None:
    shop = Shop()
    held = taken(shop, "ann")

    class Renewing(VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            held.tend()

    with pytest.raises(PreflightError, match="the lock was not free within 40 seconds: ann"):
        lease.taken(shop.cluster, NS, "bob", 40, clock=Renewing(shop.world))


def test_who_was_robbed_of_it_stops_and_does_not_give_it_back() -> None:
    shop = Shop()
    held = taken(shop, "ann")
    shop.world.store.merge(PATH, {"spec": {"holderIdentity": "bob"}}, "bob")
    held.tend()
    with pytest.raises(RolloutError, match="'bob' holds it"):
        held.still_held()
    held.release()
    assert shop.world.store.get(PATH)["spec"]["holderIdentity"] == "bob"


def test_a_lock_that_was_given_back_is_free_at_once() -> None:
    shop = Shop()
    taken(shop, "ann").release()
    begun = shop.world.seconds
    taken(shop, "bob")
    assert shop.world.seconds == begun
