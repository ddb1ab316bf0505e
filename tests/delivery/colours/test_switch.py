"""Blue-green in whole deliveries: to the other colour and back, and to the other strategy and back."""

import pytest

from delivery.cluster import Cluster
from delivery.follow import get
from delivery.history import entries
from tests.delivery.colours.conftest import Deliver
from tests.delivery.colours.objects import NOTES, QUICK, colour, image, selector, summary
from tests.delivery.conftest import Node, digest, waiting

pytestmark = pytest.mark.usefixtures("node")


def test_two_releases_and_back(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver({"backend": "one"}) == 0
    assert colour(cluster, namespace) == "blue"
    assert deliver({"backend": "two"}) == 0
    assert colour(cluster, namespace) == "green"
    assert "3 of 3 ready, green is live, version two" in summary(capsys)
    assert deliver({"backend": "two"}, "rollback", reason="a customer called") == 0
    assert colour(cluster, namespace) == "blue"
    assert "version one" in summary(capsys)
    verdicts = [(each.verdict, each.version) for each in entries(cluster, namespace, "backend")]
    assert verdicts == [("rolled back", "one"), ("live", "two"), ("live", "one")]


def test_a_bad_release_is_never_seen_by_users_and_the_next_one_goes_through(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver({"backend": "good"}) == 0
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver({"backend": "bad"}) == 4
    told = capsys.readouterr()
    assert "backend-green: CrashLoopBackOff" in told.out
    for part in ("--- events", "--- describe pod backend-green-", "--- logs of backend-green-"):
        assert part in told.err
    assert colour(cluster, namespace) == "blue"
    found = get(cluster, namespace, "backend-green")
    assert found is not None
    assert found["spec"]["replicas"] == 0
    assert deliver({"backend": "better"}) == 0
    assert image(cluster, namespace, "backend-green") == digest("better")


def test_a_preview_that_does_not_answer_gets_no_users(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    answers: dict[str, bool],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver({"backend": "good"}) == 0
    answers["backend-preview"] = False
    assert deliver({"backend": "silent"}) == 6
    assert colour(cluster, namespace) == "blue"
    # Its pods are ready, and yet they are the ones that know why.
    told = capsys.readouterr().err
    assert "--- describe pod backend-green-" in told
    assert "--- logs of backend-green-" in told


def test_a_rolling_service_changes_over_and_back(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    plain = {"strategy": "rolling"}
    assert deliver({"backend": "one"}, each=plain) == 0
    assert deliver({"backend": "two"}) == 0
    assert colour(cluster, namespace) == "green"
    assert image(cluster, namespace, "backend-blue") == digest("one")
    assert get(cluster, namespace, "backend") is None
    assert deliver({"backend": "three"}, each=plain) == 0
    assert image(cluster, namespace, "backend") == digest("three")
    assert selector(cluster, namespace) == {"app.kubernetes.io/name": "backend"}
    for name in ("backend-blue", "backend-green"):
        assert get(cluster, namespace, name) is None
    names = [
        x["metadata"]["name"] for x in cluster.items(f"/api/v1/namespaces/{namespace}/services")
    ]
    assert names == ["backend"]
    found = get(cluster, namespace, "backend")
    assert found is not None
    assert not [key for key in found["metadata"]["annotations"] if key in NOTES]
    assert deliver({"backend": "three"}, "rollback", each=plain) == 0
    assert image(cluster, namespace, "backend") == digest("two")


def test_status_and_history_tell_both_colours(
    deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver({"backend": "one"}) == 0
    assert deliver({"backend": "two"}) == 0
    capsys.readouterr()
    assert deliver({"backend": "two"}, "status") == 0
    told = summary(capsys)
    assert "backend: 3 of 3 ready, green is live, version two" in told
    assert "backend: blue is idle, one standby: 3 of 3 ready, kept until " in told
    assert deliver({"backend": "two"}, "history") == 0
    lines = summary(capsys).splitlines()
    assert lines[0] == "backend:"
    assert "deploy   live" in lines[1]
    assert "two sha256:" in lines[1]
    assert "by a tester" in lines[1]


def test_cleanup_ends_the_standby_when_its_window_is_over(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    each = {"blue_green": {**QUICK, "standby_seconds": 0}}
    assert deliver({"backend": "one"}, each=each) == 0
    assert deliver({"backend": "two"}, each=each) == 0
    capsys.readouterr()
    assert deliver({"backend": "two"}, "cleanup", each=each) == 0
    assert "backend: standby -> steady" in summary(capsys)
    found = get(cluster, namespace, "backend-blue")
    assert found is not None
    assert found["spec"]["replicas"] == 0
    assert deliver({"backend": "two"}, "rollback", each=each) == 0
    assert image(cluster, namespace, "backend-blue") == digest("one")
    assert colour(cluster, namespace) == "blue"
