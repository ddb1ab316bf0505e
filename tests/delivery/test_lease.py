"""The lock: held as long as it is renewed, free when its holder fell silent, lost when somebody took it."""

import json
from pathlib import Path

import pytest

from delivery import lease
from delivery.clock import CLOCK
from delivery.errors import PreflightError, Stopped
from tests.delivery.bluegreen.shop import Shop
from tests.delivery.memory.store import RefusalError
from tests.delivery.memory.world import NS, VirtualClock
from tests.delivery.servers import HANG, Act, Asked, always, cluster_of

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


def test_who_stood_still_asks_before_it_goes_on() -> None:
    shop = Shop()
    held = taken(shop, "ann")
    shop.world.pass_time(100)
    held.still_held()
    shop.world.pass_time(lease.SURE_SECONDS - 1)
    held.still_held()


def test_who_stood_still_while_another_took_it_stops() -> None:
    shop = Shop()
    held = taken(shop, "ann")
    taken(shop, "bob")
    with pytest.raises(
        Stopped, match=r"the lock was lost: 'bob' holds it\..*then run it again"
    ) as lost:
        held.still_held()
    assert lost.value.exit_code == 1


def test_who_has_the_name_of_the_one_before_does_not_take_its_lock_for_its_own() -> None:
    shop = Shop()
    held = taken(shop, "runner-7")
    taken(shop, "runner-7")
    with pytest.raises(Stopped, match="'runner-7' holds it"):
        held.still_held()


def silence(shop: Shop, seconds: float) -> None:
    """Let the API server be away from now on, for a while."""
    end = shop.world.seconds + seconds

    def away(method: str, path: str) -> None:
        if shop.world.seconds < end:
            raise RefusalError(503, f"{method} {path}: not now")

    shop.cluster.before = away


def test_through_a_silence_it_waits_and_goes_on_when_nobody_wanted_the_lock() -> None:
    shop = Shop()
    held = taken(shop, "ann")
    silence(shop, 25)
    while shop.world.seconds < 25:
        shop.world.pass_time(1)
        begun = shop.world.seconds
        held.still_held()
        # Nothing is begun that could still be on its way when a successor begins.
        assert begun <= lease.SURE_SECONDS or shop.world.seconds >= 25


def test_a_silence_that_lasts_ends_it() -> None:
    shop = Shop()
    held = taken(shop, "ann")
    silence(shop, 1000)
    shop.world.pass_time(lease.SURE_SECONDS + 1)
    with pytest.raises(Stopped, match=r"it was not renewed for 30 s: .*not now"):
        held.still_held()
    assert shop.world.seconds < lease.DEAF_SECONDS + 2


def test_a_renewal_counts_from_before_it_was_sent() -> None:
    shop = Shop()
    held = taken(shop, "ann")
    shop.world.pass_time(4)

    def slow(method: str, _path: str) -> None:
        if method == "PUT":
            shop.world.pass_time(8)

    shop.cluster.after = slow
    held.tend()
    shop.cluster.after = lambda _method, _path: None
    shop.world.pass_time(3)
    asked = list[str]()
    shop.cluster.before = lambda method, _path: asked.append(method)
    held.still_held()
    assert asked == ["GET", "PUT"]


def test_one_silent_request_does_not_lose_the_lock(tmp_path: Path) -> None:
    """The API server swallows the first renewal; the next one comes long before the lock expires."""
    spec = {"holderIdentity": "ann", "acquireTime": "t"}
    good = always(200, json.dumps({"metadata": {}, "spec": spec}).encode())

    def swallow(asked: Asked) -> list[Act]:
        return [HANG] if not asked.number else list(good(asked))

    with cluster_of(swallow, tmp_path) as (server, cluster):
        held = lease.Lease(cluster, "/lease", {"spec": spec}, CLOCK.monotonic())
        begun = CLOCK.monotonic()
        assert not held.tend()
        assert held.tend()
        assert CLOCK.monotonic() - begun < lease.SURE_SECONDS - lease.RENEW_SECONDS
    assert len(server.paths) == 3


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
    with pytest.raises(Stopped, match="'bob' holds it"):
        held.still_held()
    held.release()
    assert shop.world.store.get(PATH)["spec"]["holderIdentity"] == "bob"


def test_a_lock_that_was_given_back_is_free_at_once() -> None:
    shop = Shop()
    taken(shop, "ann").release()
    begun = shop.world.seconds
    taken(shop, "bob")
    assert shop.world.seconds == begun
