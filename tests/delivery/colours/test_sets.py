"""Several services in one delivery: each its own way, or a set together."""

import pytest

from delivery.cluster import Cluster
from tests.delivery.colours.conftest import Deliver
from tests.delivery.colours.objects import QUICK, colour, image, summary
from tests.delivery.conftest import Node, digest, waiting

pytestmark = pytest.mark.usefixtures("node")


PLAIN_BACKEND = {"backend": {"strategy": "rolling"}}


def test_the_failure_of_one_application_touches_no_other(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str
) -> None:
    assert deliver({"sample-app": "a1", "sample2-app": "b1"}) == 0
    node.states[digest("b2")] = waiting("ImagePullBackOff")
    assert deliver({"sample-app": "a2", "sample2-app": "b2"}) == 4
    assert colour(cluster, namespace, "sample-app") == "green"
    assert image(cluster, namespace, "sample-app-green") == digest("a2")
    assert colour(cluster, namespace, "sample2-app") == "blue"


def test_a_release_set_goes_together_or_not_at_all(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    both = {"set": "shop"}
    assert deliver({"sample-app": "a1", "sample2-app": "b1"}, each=both) == 0
    node.states[digest("b2")] = waiting("ImagePullBackOff")
    assert deliver({"sample-app": "a2", "sample2-app": "b2"}, each=both) == 4
    assert colour(cluster, namespace, "sample-app") == "blue"
    assert colour(cluster, namespace, "sample2-app") == "blue"
    assert deliver({"sample-app": "a3", "sample2-app": "b3"}, each=both) == 0
    assert colour(cluster, namespace, "sample-app") == "green"
    assert deliver({"sample-app": "a3"}, "rollback") == 3
    assert "name all of it: sample-app, sample2-app" in summary(capsys)
    assert deliver({"sample-app": "a3", "sample2-app": "b3"}, "rollback") == 0
    assert colour(cluster, namespace, "sample-app") == "blue"
    assert colour(cluster, namespace, "sample2-app") == "blue"


def test_a_release_that_changed_a_part_of_a_set_goes_back_with_that_part(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    both = {"set": "shop"}
    for images in ("p1", "q1"), ("p2", "q2"), ("p3", "q2"):
        named = dict(zip(("sample-app", "sample2-app"), images, strict=True))
        assert deliver(named, each=both) == 0
    assert deliver(named, "rollback") == 0
    assert "sample2-app: it stays at q2 of " in summary(capsys)
    assert image(cluster, namespace, "sample-app-green") == digest("p2")
    assert colour(cluster, namespace, "sample-app") == "green"
    assert image(cluster, namespace, "sample2-app-green") == digest("q2")
    assert colour(cluster, namespace, "sample2-app") == "green"


def test_a_failed_rolling_service_does_not_stop_a_colour_that_is_being_watched(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver({"backend": "r1", "sample-app": "s1"}, own=PLAIN_BACKEND) == 0
    node.states[digest("r2")] = waiting("CrashLoopBackOff")
    slow = {"blue_green": {**QUICK, "watch_seconds": 6}}
    assert deliver({"backend": "r2", "sample-app": "s2"}, each=slow, own=PLAIN_BACKEND) == 4
    told = summary(capsys)
    assert "Rolled back: backend: 3 of 3 ready" in told
    assert "sample-app: live" in told
    assert colour(cluster, namespace, "sample-app") == "green"
    assert image(cluster, namespace, "backend") == digest("r1")
    assert deliver({"sample-app": "s2"}, "status") == 0
    assert "watching" not in summary(capsys)
