"""A run that lost its lock has one more write on its way: whatever the next run did meanwhile, it does no harm.

Not so for a first installation, of which no object is there yet to fence; nobody is hurt by that.
"""

import pytest

from delivery.errors import DeliveryError
from tests.delivery.bluegreen import invariants
from tests.delivery.bluegreen.shop import NAME, Shop
from tests.delivery.bluegreen.test_kills import BEGINNINGS, MOST_WRITES, NEXT, Run, begun, ends
from tests.delivery.memory import Killed, MemoryCluster

FOLLOWING = ("a newer one", "exit")


def overtaken(shop: Shop, run: Run, write: int, following: str) -> tuple[bool, bool]:
    """Run, be overtaken just before a write, make it, and die; tell whether there was one and it was refused."""
    cluster = MemoryCluster(shop.world)
    writes = 0
    late = refused = False

    def before(method: str, _path: str) -> None:
        nonlocal writes, late
        if method == "GET" or late:
            return
        writes += 1
        if writes == write:
            late = True
            shop.world.pass_time(20)
            ends(shop, NEXT[following])

    def after(method: str, _path: str) -> None:
        if late and method != "GET":
            raise Killed

    def get(method: str) -> None:
        # The first question after a refused write: the run is gone by then.
        if late and method == "GET":
            raise Killed

    cluster.before = lambda method, path: (get(method), before(method, path))[1]
    cluster.after = after
    made = len(cluster.writes)
    try:
        run(shop, cluster)
    except Killed:
        refused = len(cluster.writes) - made < write
    except DeliveryError:
        pass
    return late, refused


@pytest.mark.parametrize("following", FOLLOWING)
@pytest.mark.parametrize("beginning", [each for each in BEGINNINGS if each != "first"])
def test_a_late_write_does_no_harm(beginning: str, following: str) -> None:
    for write in range(1, MOST_WRITES):
        shop, run = begun(beginning)
        late, refused = overtaken(shop, run, write, following)
        if not late:
            return
        invariants.check(shop)
        reached = shop.users_reach()
        shop.world.pass_time(5)
        invariants.check(shop)
        assert shop.users_reach() == reached, "users were sent elsewhere by a run that is gone"
        if following == "a newer one" and beginning != "exit":
            assert refused, f"write {write} was carried out"
        if following == "a newer one" and not refused:
            # All that can still be made is a Deployment without pods.
            assert shop.replicas().get(NAME, 0) == 0
        ends(shop, NEXT["the same"])
        assert shop.users_reach() == {"two"}
    raise AssertionError(f"more than {MOST_WRITES} writes")
