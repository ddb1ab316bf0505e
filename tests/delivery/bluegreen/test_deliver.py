"""Deliveries from the first one to the exit, each against an API in memory."""

import pytest

from delivery.bluegreen.colours import LABEL, Colour, selected
from delivery.bluegreen.deliver import deliver
from delivery.bluegreen.record import Standing, live_on
from delivery.bluegreen.verbs import promote, tidy
from delivery.errors import Refused, RollbackError, RolloutError, VerificationError
from delivery.gate import Policy, Result, Stage, Subject
from delivery.strategy import Options, Promote
from tests.delivery.bluegreen.shop import NAME, Scripted, Shop, application
from tests.delivery.memory.world import DEPLOYMENTS, PODS, SERVICES

WATCH_SECONDS = 3


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


def test_who_gives_up_its_place_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    shop = Shop()
    for image in ("one", "two"):
        shop.deliver(application(image))
    assert "gives up its place" not in capsys.readouterr().err
    shop.deliver(application("three"))
    told = "shop: one, to which a rollback would have gone, gives up its place"
    assert told in capsys.readouterr().err


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
    gate = Scripted(lambda _: Result.FAIL)
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


@pytest.mark.parametrize("ill_for_good", [True, False])
def test_a_watch_does_not_end_in_doubt(ill_for_good: bool) -> None:
    """What turns bad in its last round is asked again, until that is enough to go back or it was a hiccup."""
    shop = Shop()
    shop.deliver(application("one"))
    rounds: list[float] = []

    def late(subject: Subject) -> Result:
        if subject.stage is not Stage.LIVE:
            return Result.PASS
        rounds.append(shop.world.seconds)
        over = shop.world.seconds - rounds[0] >= WATCH_SECONDS
        bad = over and (ill_for_good or rounds[-1] - rounds[0] < WATCH_SECONDS + 1)
        return Result.FAIL if bad else Result.PASS

    gate = Scripted(late, policy=Policy(limit=3))
    new = application("two", options=Options(watch_seconds=WATCH_SECONDS), live=(gate,))
    if ill_for_good:
        with pytest.raises(VerificationError, match="users are with one on blue"):
            shop.deliver(new)
    else:
        shop.deliver(new)
    assert shop.users_reach() == {"one" if ill_for_good else "two"}
    assert rounds[-1] - rounds[0] > WATCH_SECONDS


def test_gates_look_at_the_releases_own_pods_and_not_at_those_that_were_there_before() -> None:
    """The colour's former pods may take long to end; what they did is no fault of the new ones."""
    shop = Shop()
    for image in ("one", "two"):
        shop.deliver(application(image))
    shop.world.slow_to_end = True
    judged: set[str] = set()

    def look(subject: Subject) -> Result:
        pods = shop.cluster.items(PODS, subject.pods)
        judged.update(pod["spec"]["containers"][0]["image"] for pod in pods)
        return Result.PASS

    shop.deliver(application("three", preview=(Scripted(look),), live=(Scripted(look),)))
    assert judged == {"three"}


def test_beyond_a_barrier_the_new_release_stays_and_says_so() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    gate = Scripted(lambda _: Result.FAIL)
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


def test_the_new_colour_is_as_big_as_the_old_one_is_now_before_it_gets_users() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    grown = {"spec": {"replicas": 5}}
    shop.world.store.merge(f"{DEPLOYMENTS}/shop-blue", grown, "autoscaler")
    shop.world.pass_time(3)
    seen: list[int] = []

    def after(method: str, path: str) -> None:
        service = shop.world.store.objects.get(f"{SERVICES}/{NAME}", {"spec": {}})
        switched = method == "PATCH" and path.endswith(f"services/{NAME}")
        if switched and selected(service) is Colour.GREEN and not seen:
            seen.append(shop.ready())

    shop.cluster.after = after
    assert shop.deliver(application("two")) == "live"
    assert seen == [5]
    assert shop.replicas() == {"shop-blue": 5, "shop-green": 5}


def test_a_selector_that_somebody_else_changes_during_the_watch_ends_the_release() -> None:
    shop = Shop()
    shop.deliver(application("one"))

    def healed(subject: Subject) -> Result:
        if subject.stage is Stage.LIVE:
            body = {"spec": {"selector": {LABEL: "blue"}}}
            shop.world.store.merge(f"{SERVICES}/{NAME}", body, "argocd-controller")
        return Result.PASS

    with pytest.raises(VerificationError, match="somebody else changed the Service's selector"):
        shop.deliver(application("two", live=(Scripted(healed),)))
    assert shop.users_reach() == {"one"}
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 0}
    assert shop.deliver(application("three")) == "live"


def test_a_release_that_waited_too_long_is_not_promoted_but_taken_away() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    options = Options(watch_seconds=1, preview_seconds=60, promote=Promote.MANUAL)
    assert shop.deliver(application("two", options=options)) == "waits"
    shop.world.pass_time(61)
    idle = application(options=options)
    with pytest.raises(
        Refused, match=r"longer than 60 s.*\n  Rule: .*\n  Way out: deploy it again"
    ):
        promote([shop.machine(idle)])
    assert tidy([shop.machine(idle)]) == ["shop: previewed -> steady"]
    assert shop.users_reach() == {"one"}
    assert shop.replicas() == {"shop-blue": 2, "shop-green": 0}


def test_the_standby_goes_when_its_window_is_over_and_not_before() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    options = Options(watch_seconds=1, standby_seconds=60)
    shop.deliver(application("two", options=options))
    assert tidy([shop.machine(application(options=options))]) == []
    shop.world.pass_time(61)
    assert tidy([shop.machine(application(options=options))]) == ["shop: standby -> steady"]
    assert shop.replicas() == {"shop-blue": 0, "shop-green": 2}


def test_how_long_each_stage_took_is_taken_down() -> None:
    shop = Shop()
    shop.deliver(application("one"))
    machine = shop.machine(application("two"))
    deliver([machine])
    assert machine.timings.keys() == {"adoption", "preview", "switch", "watch"}
    assert machine.timings["watch"] >= 3
