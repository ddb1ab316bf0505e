"""What is refused, and what a person decides: promotion, freeze, rollback of a rollback, barriers."""

import pytest

from delivery.cluster import Cluster
from tests.delivery.colours.conftest import Deliver
from tests.delivery.colours.objects import QUICK, colour, summary

pytestmark = pytest.mark.usefixtures("node")


def test_a_release_waits_for_its_promotion_or_is_aborted(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    manual = {"blue_green": {**QUICK, "promote": "manual"}}
    assert deliver({"backend": "one"}) == 0
    assert deliver({"backend": "two"}, each=manual) == 0
    assert "It waits: the action promote sends users to it" in summary(capsys)
    assert colour(cluster, namespace) == "blue"
    assert deliver({"backend": "two"}, "promote") == 0
    assert colour(cluster, namespace) == "green"
    assert deliver({"backend": "three"}, each=manual) == 0
    assert deliver({"backend": "three"}, "abort", reason="not today") == 0
    assert deliver({"backend": "three"}, "promote") == 3
    assert "no release waits for a promotion" in summary(capsys)
    assert colour(cluster, namespace) == "green"


def test_into_a_frozen_environment_nothing_new_gets_in(
    deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver({"backend": "one"}) == 0
    assert deliver({"backend": "two"}) == 0
    assert deliver({}, "freeze") == 3
    assert deliver({}, "freeze", reason="a migration runs") == 0
    assert deliver({"backend": "two"}, "cleanup") == 3
    assert deliver({"backend": "three"}) == 3
    told = summary(capsys)
    assert "was frozen by a tester at " in told
    assert "a migration runs" in told
    assert "unfreeze lifts it" in told
    assert deliver({"backend": "two"}, "rollback") == 0
    assert deliver({}, "unfreeze") == 0
    assert deliver({"backend": "three"}) == 0


def test_no_rollback_of_a_rollback_by_either_strategy(
    deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {"strategy": "rolling"}
    for images, each in (({"backend": "x"}, {}), ({"sample-app": "y"}, plain)):
        name = next(iter(images))
        assert deliver({name: "1"}, each=each) == 0
        assert deliver({name: "2"}, each=each) == 0
        assert deliver({name: "2"}, "rollback", each=each) == 0
        capsys.readouterr()
        assert deliver({name: "2"}, "rollback", each=each) == 3
        told = summary(capsys)
        assert "Rule: no rollback of a rollback" in told
        assert "Way out: deploy the version that you want" in told


def test_across_a_barrier_nobody_goes_back(
    deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, strategy in (("backend", "blue-green"), ("sample-app", "rolling")):
        each = {"strategy": strategy}
        assert deliver({name: "1"}, each=each) == 0
        assert deliver({name: "2"}, each={**each, "barrier": "drops a column"}) == 0
        capsys.readouterr()
        assert deliver({name: "2"}, "rollback", each=each) == 3
        assert "declares a barrier: drops a column" in summary(capsys)
