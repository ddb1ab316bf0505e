"""Leaving blue-green: a run that was overtaken while it made the plain Deployment brings nothing back."""

from delivery.bluegreen.verbs import leave
from tests.delivery.bluegreen.shop import NAME, Shop, application
from tests.delivery.memory import Killed, MemoryCluster
from tests.delivery.memory.world import DEPLOYMENTS

PLAIN = f"{DEPLOYMENTS}/{NAME}"


def left_late(shop: Shop, nth: int) -> MemoryCluster | None:
    """Leave; before its nth write to the plain Deployment another run leaves too and rolls out "three"."""
    cluster, writes = MemoryCluster(shop.world), [0]

    def before(method: str, path: str) -> None:
        if writes[0] >= nth:
            raise Killed
        if (method == "PATCH" and path == PLAIN) or (method == "POST" and path == DEPLOYMENTS):
            writes[0] += 1
            if writes[0] == nth:
                shop.world.pass_time(20)
                leave(shop.machine(application()))
                shop.plain("three")

    cluster.before = before
    try:
        leave(shop.machine(application(), cluster))
    except Killed:
        return cluster
    return None


def test_a_late_write_to_the_plain_deployment_brings_no_old_version_back() -> None:
    for nth in range(1, 10):
        shop = Shop()
        for image in ("one", "two"):
            shop.deliver(application(image))
        cluster = left_late(shop, nth)
        if cluster is None:
            assert nth > 2
            return
        shop.world.pass_time(10)
        assert shop.users_reach() == {"three"}
        assert shop.world.store.get(PLAIN)["spec"]["replicas"] == 2


def test_the_plain_deployment_is_made_without_pods_and_filled_behind_the_fence() -> None:
    shop = Shop()
    for image in ("one", "two"):
        shop.deliver(application(image))
    sizes: list[int] = []

    def after(method: str, _path: str) -> None:
        found = shop.world.store.objects.get(PLAIN)
        if method != "GET" and found:
            sizes.append(found["spec"]["replicas"])

    shop.cluster.after = after
    assert leave(shop.machine(application()))
    assert sizes[:2] == [0, 2]
    assert shop.users_reach() == {"two"}
