"""The way back from a release that was judged bad, when things are not as they should be."""

from collections.abc import Callable

import pytest

from delivery.bluegreen.colours import Colour, selected
from delivery.bluegreen.deliver import deliver
from delivery.cluster import ApiError
from delivery.errors import RollbackError, RolloutError, VerificationError
from delivery.gate import Result, Stage, Subject
from delivery.strategy import Options
from tests.delivery.bluegreen.shop import NAME, Scripted, Shop, application
from tests.delivery.memory import MemoryCluster
from tests.delivery.memory.store import RefusalError
from tests.delivery.memory.world import DEPLOYMENTS, PODS, SERVICES

FOR_GOOD = 10**6
BAD_WHEN_LIVE = Scripted(lambda at: Result.FAIL if at.stage is Stage.LIVE else Result.PASS)


def when_live(act: Callable[[], None]) -> Scripted:
    """Make a gate that does something when it is asked after the switch, and then says no."""

    def judge(subject: Subject) -> Result:
        if subject.stage is Stage.LIVE:
            act()
            return Result.FAIL
        return Result.PASS

    return Scripted(judge)


def test_users_of_a_bad_release_go_back_although_a_pod_is_missing_there() -> None:
    shop = Shop()
    shop.deliver(application("one", replicas=3))

    def lose_a_pod() -> None:
        name = next(x["metadata"]["name"] for x in shop.world.store.list(PODS) if of(x, "one"))
        shop.world.flapping[name] = FOR_GOOD
        shop.world.pass_time(1)

    begun = shop.world.seconds
    with pytest.raises(VerificationError, match="users are with one on blue"):
        shop.deliver(application("two", replicas=3, live=(when_live(lose_a_pod),)))
    assert shop.users_reach() == {"one"}
    assert shop.world.seconds - begun < 20


def test_users_of_a_bad_release_that_grew_go_back_at_once_and_more_pods_follow() -> None:
    shop = Shop()
    shop.deliver(application("one"))

    def grow() -> None:
        path = f"{DEPLOYMENTS}/shop-green"
        shop.world.store.merge(path, {"spec": {"replicas": 9}}, "autoscaler")
        shop.world.pass_time(1)

    back: list[int] = []

    def after(_method: str, _path: str) -> None:
        live = selected(shop.world.store.get(f"{SERVICES}/{NAME}"))
        if live is Colour.BLUE and shop.replicas().get("shop-green", 0) == 9 and not back:
            back.append(shop.ready())

    shop.cluster.after = after
    machine = shop.machine(application("two", live=(when_live(grow),)))
    with pytest.raises(VerificationError, match="users are with one on blue"):
        deliver([machine])
    assert back == [2]
    assert shop.users_reach() == {"one"}
    assert shop.replicas() == {"shop-blue": 9, "shop-green": 0}


def of(pod: dict[str, object], image: str) -> bool:
    """Tell whether a pod runs an image."""
    return f"'image': '{image}'" in str(pod["spec"])


def refusing(shop: Shop, status: int, times: int) -> MemoryCluster:
    """Make an API server that refuses to tell anything from the moment the selector is green, for some requests."""
    cluster, left = MemoryCluster(shop.world), [times]

    def before(method: str, path: str) -> None:
        service = shop.world.store.objects.get(f"{SERVICES}/{NAME}")
        live = selected(service) if service else None
        if live is Colour.GREEN and left[0] and method == "GET" and "/proxy/" not in path:
            left[0] -= 1
            raise RefusalError(status, "no")

    cluster.before = before
    return cluster


def test_an_api_server_that_refuses_the_watch_once_has_users_brought_back() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    machine = shop.machine(application("two"), refusing(shop, 403, 1))
    with pytest.raises(RolloutError, match="users are with one on blue") as caught:
        deliver([machine])
    assert "run it again" not in str(caught.value)
    assert shop.users_reach() == {"one"}
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 0}


def test_one_that_is_deaf_for_long_too() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    # A question is asked four times, every 0.3 s for 30 s.
    machine = shop.machine(application("two"), refusing(shop, 503, 4 * 102))
    with pytest.raises(RolloutError, match="users are with one on blue"):
        deliver([machine])
    assert shop.users_reach() == {"one"}


def test_one_that_never_comes_back_leaves_users_and_says_whom_they_are_with() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    machine = shop.machine(application("two"), refusing(shop, 401, FOR_GOOD))
    with pytest.raises(RollbackError, match="users ARE on two and nobody watches it") as caught:
        deliver([machine])
    assert "the action rollback" in str(caught.value)
    assert "Nothing is lost" not in str(caught.value)
    assert shop.users_reach() == {"two"}


def test_a_refusal_before_the_switch_is_no_matter_of_users() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    cluster = MemoryCluster(shop.world)

    def before(method: str, path: str) -> None:
        if method == "GET" and "shop-green" in path:
            raise RefusalError(403, "no")

    cluster.before = before
    with pytest.raises(ApiError, match="Nothing is lost: run it again"):
        deliver([shop.machine(application("two"), cluster)])
    assert shop.users_reach() == {"one"}


def test_a_set_of_which_one_switch_is_refused_goes_back_as_a_whole() -> None:
    shops = [Shop(), Shop()]
    for shop in shops:
        shop.deliver(application("one"))
    refused = MemoryCluster(shops[1].world)

    def before(method: str, path: str) -> None:
        live = selected(shops[0].world.store.get(f"{SERVICES}/{NAME}"))
        if live is Colour.GREEN and method == "PATCH" and path.endswith(f"services/{NAME}"):
            raise RefusalError(403, "a webhook denied the request")

    refused.before = before
    options = Options(watch_seconds=3)
    machines = [
        shops[0].machine(application("two", options=options)),
        shops[1].machine(application("two", options=options), refused),
    ]
    with pytest.raises(RolloutError, match="a webhook denied the request"):
        deliver(machines)
    assert [shop.users_reach() for shop in shops] == [{"one"}, {"one"}]
