"""What others left, changed or broke before a run begins: it is told, refused, or delivered over."""

import pytest

from delivery.bluegreen.colours import LABEL, RUN
from delivery.bluegreen.deliver import deliver
from delivery.bluegreen.verbs import promote, waiting
from delivery.cluster import Obj
from delivery.errors import PreflightError, Refused, VerificationError
from delivery.gate import Result, Stage, Subject
from delivery.strategy import Options, Promote
from tests.delivery.bluegreen.shop import NAME, Scripted, Shop, application
from tests.delivery.bluegreen.test_kills import killed_after
from tests.delivery.memory import MemoryCluster
from tests.delivery.memory.world import DEPLOYMENTS, SERVICES

MANUAL = Options(watch_seconds=3, promote=Promote.MANUAL)


def merge(shop: Shop, path: str, body: Obj) -> None:
    """Change an object as a person does."""
    shop.world.store.merge(path, body, "a person")
    shop.world.pass_time(3)


def test_what_waits_and_was_scaled_to_nothing_is_not_promoted() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    shop.deliver(application("two", options=MANUAL))
    merge(shop, f"{DEPLOYMENTS}/shop-green", {"spec": {"replicas": 0}})
    machine = shop.machine(application())
    assert waiting([machine], "promote") == [machine]
    with pytest.raises(Refused, match=r"scaled down to no pods.*\n.*\n  Way out: deploy it again"):
        promote([machine])
    assert shop.deliver(application("two")) == "live"


def test_what_goes_away_while_it_is_promoted_ends_in_words() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    shop.deliver(application("two", options=MANUAL))
    cluster = MemoryCluster(shop.world)
    cluster.after = lambda method, _path: (
        merge(shop, f"{DEPLOYMENTS}/shop-green", {"spec": {"replicas": 0}})
        if method != "GET" and len(cluster.writes) == 1
        else None
    )
    with pytest.raises(PreflightError, match="users stay where they are"):
        promote([shop.machine(application(), cluster)])
    assert shop.users_reach() == {"one"}


def test_beside_a_plain_deployment_that_crashes_the_first_release_comes_up() -> None:
    shop = Shop()
    shop.world.broken.add("old")
    shop.plain("old")
    assert shop.deliver(application("new")) == "live"
    assert shop.users_reach() == {"new"}
    assert shop.replicas() == {"shop-blue": 2}


def test_one_that_is_only_late_is_waited_for_and_adopted() -> None:
    shop = Shop()
    shop.plain("old")
    for pod in shop.world.ready_behind(NAME):
        shop.world.flapping[pod["metadata"]["name"]] = 12
    shop.world.tick()
    assert shop.deliver(application("new")) == "live"
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 2}


@pytest.mark.parametrize("there", [False, True])
def test_a_service_without_a_selector_is_refused(there: bool) -> None:
    shop = Shop()
    app = application("new")
    assert app.service is not None
    if there:
        shop.plain("old")
        merge(shop, f"{SERVICES}/{NAME}", {"spec": {"selector": None}})
    else:
        del app.service["spec"]["selector"]
    with pytest.raises(Refused, match="the Service has no selector"):
        shop.deliver(app)
    assert not [name for name in shop.replicas() if name != NAME]


def test_a_record_has_nothing_of_the_watch_that_another_run_left() -> None:
    shop = Shop()
    shop.deliver(application("one"))

    def run(shop: Shop, cluster: MemoryCluster) -> object:
        return deliver([shop.machine(application("two"), cluster)])

    switched = next(
        number
        for number in range(1, 30)
        if (shop := begun_and_killed(run, number)).users_reach() == {"two"}
    )
    assert switched
    bad = Scripted(lambda at: Result.FAIL if at.stage is Stage.PREVIEW else Result.PASS)
    machine = shop.machine(application("three", preview=(bad,), live=(bad,)))
    with pytest.raises(VerificationError):
        deliver([machine])
    assert {stage for stage, _ in machine.panel.verdicts} == {Stage.PREVIEW}


def begun_and_killed(run: object, writes: int) -> Shop:
    """Deliver one release, and another that is killed after that many writes."""
    shop = Shop()
    shop.deliver(application("one"))
    killed_after(shop, run, writes)  # type: ignore[arg-type]
    return shop


def relabelled(image: str) -> tuple[Obj, object]:
    """Render a Deployment that finds its pods by one label more."""
    app = application(image)
    assert app.deployment is not None
    more = {**app.deployment["spec"]["selector"]["matchLabels"], "tier": "front"}
    app.deployment["spec"]["selector"]["matchLabels"] = dict(more)
    app.deployment["spec"]["template"]["metadata"]["labels"] = dict(more)
    return app.deployment, app


def test_a_changed_selector_of_the_deployment_is_delivered() -> None:
    shop = Shop()
    for image in ("one", "two"):
        shop.deliver(application(image))
    for image in ("three", "four"):
        _, app = relabelled(image)
        assert shop.deliver(app) == "live"  # type: ignore[arg-type]
        assert shop.users_reach() == {image}
    for side in ("blue", "green"):
        found = shop.world.store.get(f"{DEPLOYMENTS}/shop-{side}")
        assert found["spec"]["selector"]["matchLabels"]["tier"] == "front"


def test_an_image_that_was_set_by_hand_on_the_live_colour_is_replaced() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    assert shop.deliver(application("one")) == "unchanged"
    path = f"{DEPLOYMENTS}/shop-blue"
    template = shop.world.store.get(path)["spec"]["template"]
    restarted = {**template["metadata"], "annotations": {"kubectl.kubernetes.io/restartedAt": "x"}}
    merge(shop, path, {"spec": {"template": {"metadata": restarted}}})
    assert shop.deliver(application("one")) == "unchanged"
    containers = [{**template["spec"]["containers"][0], "image": "by-hand"}]
    merge(shop, path, {"spec": {"template": {"spec": {"containers": containers}}}})
    assert shop.users_reach() == {"by-hand"}
    assert shop.deliver(application("one")) == "live"
    assert shop.users_reach() == {"one"}


def test_the_preview_is_fenced_before_gates_are_asked() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    path, seen = f"{SERVICES}/{NAME}-preview", list[Obj]()

    def look(at: Subject) -> Result:
        if at.stage is Stage.PREVIEW:
            seen.append(shop.world.store.get(path))
        return Result.PASS

    # It selects the idle colour already, but another run wrote that.
    merge(shop, path, {"spec": {"selector": {LABEL: "green"}}})
    machine = shop.machine(application("two", preview=(Scripted(look),)))
    deliver([machine])
    assert [each["metadata"]["annotations"][RUN] for each in seen] == [machine.writer.run]
