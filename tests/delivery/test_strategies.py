"""Blue-green in whole deliveries, by plan, against a real API server with real controllers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery import release, rolling
from delivery.__main__ import main
from delivery.bluegreen import facts, judging, machine
from delivery.cluster import Cluster
from delivery.follow import get
from delivery.history import entries
from delivery.verify import Answer
from tests.delivery.conftest import COUNT, Node, digest, waiting

ROOT = Path(__file__).parents[2]
NOTES = ("shipyard.dev/run", "shipyard.dev/release", "shipyard.dev/live")
QUICK = {"watch_seconds": 1, "standby_seconds": 600}
pytestmark = pytest.mark.usefixtures("node")
Deliver = Callable[..., int]


@pytest.fixture
def answers() -> dict[str, bool]:
    """Say which Services answer their health; all do that are not named."""
    return {}


@pytest.fixture
def deliver(
    tmp_path: Path, namespace: str, monkeypatch: pytest.MonkeyPatch, answers: dict[str, bool]
) -> Deliver:
    """Give a function that delivers images by service name and returns the exit code."""
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    names = ("backend", "sample-app", "sample2-app")
    for name in names:
        (tmp_path / name).symlink_to(ROOT / "manifests/apps" / name)
    environment = [{"name": "environment", "literals": ["name=test"]}]
    resources = [f"../{name}" for name in names]
    text = {"namespace": namespace, "resources": resources, "configMapGenerator": environment}
    (overlay / "kustomization.yaml").write_text(json.dumps(text))

    def ask(_cluster: Cluster, target: str, _patience: float, _clock: object = None) -> Answer:
        name = target.split("/services/")[1].split(":")[0]
        return Answer(good=answers.get(name, True), told=f"as the test says for {name}")

    for module in (release, rolling):
        monkeypatch.setattr(module, "verify", lambda *_args: None)
    for module in (judging, machine):
        monkeypatch.setattr(module, "ask", ask)
    monkeypatch.setattr(facts, "LINGER_SECONDS", 0)

    def run(images: dict[str, str], action: str = "deploy", *flags: str, **changes: Any) -> int:
        extra = changes.pop("each", {})
        services = [
            {
                "name": name,
                "image": f"registry/{name}@sha256:{digest(image)}",
                "health": "/health",
                "version": image,
                "strategy": "blue-green",
                "blue_green": QUICK,
                **extra,
            }
            for name, image in images.items()
        ]
        plan = {
            "version": 1,
            "action": action,
            "environment": "test",
            "namespace": namespace,
            "overlay": str(overlay),
            "rollout_seconds": 30,
            "revision": "abc",
            "who": "a tester",
            "services": services,
            **changes,
        }
        path = tmp_path / f"plan-{next(COUNT)}.json"
        path.write_text(json.dumps(plan))
        return main([f"--plan={path}", *flags])

    return run


def selector(cluster: Cluster, namespace: str, name: str = "backend") -> dict[str, str]:
    """Read whom a Service selects."""
    found = cluster.request("GET", f"/api/v1/namespaces/{namespace}/services/{name}")
    return dict(found["spec"]["selector"])


def colour(cluster: Cluster, namespace: str, name: str = "backend") -> str | None:
    """Read which colour users reach."""
    return selector(cluster, namespace, name).get("shipyard.dev/colour")


def image(cluster: Cluster, namespace: str, deployment: str) -> str:
    """Read which image a Deployment wants, by digest."""
    found = get(cluster, namespace, deployment)
    assert found is not None
    container = found["spec"]["template"]["spec"]["containers"][0]
    return str(container["image"]).rpartition(":")[2]


def summary(capsys: pytest.CaptureFixture[str]) -> str:
    """Read the last result's summary."""
    return str(json.loads(capsys.readouterr().out.splitlines()[-1])["summary"])


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
    deliver: Deliver, cluster: Cluster, namespace: str, answers: dict[str, bool]
) -> None:
    assert deliver({"backend": "good"}) == 0
    answers["backend-preview"] = False
    assert deliver({"backend": "silent"}) == 6
    assert colour(cluster, namespace) == "blue"


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
    assert colour(cluster, namespace, "sample2-app") == "blue"


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
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver({"backend": "one"}) == 0
    assert deliver({"backend": "two"}) == 0
    assert deliver({}, "freeze") == 3
    assert deliver({}, "freeze", reason="a migration runs") == 0
    assert deliver({"backend": "three"}) == 3
    told = summary(capsys)
    assert "was frozen by a tester at " in told
    assert "a migration runs" in told
    assert "unfreeze lifts it" in told
    assert deliver({"backend": "two"}, "rollback") == 0
    assert deliver({}, "unfreeze") == 0
    assert deliver({"backend": "three"}) == 0


def test_no_rollback_of_a_rollback_by_either_strategy(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
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
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, strategy in (("backend", "blue-green"), ("sample-app", "rolling")):
        each = {"strategy": strategy}
        assert deliver({name: "1"}, each=each) == 0
        assert deliver({name: "2"}, each={**each, "barrier": "drops a column"}) == 0
        capsys.readouterr()
        assert deliver({name: "2"}, "rollback", each=each) == 3
        assert "declares a barrier: drops a column" in summary(capsys)


def test_a_dry_run_shows_the_difference_and_changes_nothing(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver({"backend": "one"}) == 0
    before = cluster.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
    capsys.readouterr()
    saved = tmp_path / "saved.json"
    assert deliver({"backend": "two"}, "deploy", "--dry-run", f"--save={saved}") == 0
    told = capsys.readouterr()
    assert f"-            \"image\": \"registry/backend@sha256:{digest('one')}\"" in told.err
    assert f"+            \"image\": \"registry/backend@sha256:{digest('two')}\"" in told.err
    after = cluster.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
    assert before == after
    summed = json.loads(told.out.splitlines()[-1])["summary"]
    plan_digest = summed.split("digest ")[1].split(": deliver")[0]
    assert main([f"--plan={saved}", "--expect=sha256:0"]) == 2
    (tmp_path / "overlay/kustomization.yaml").write_text("{}")
    assert main([f"--plan={saved}", f"--expect={plan_digest}"]) == 0
    assert image(cluster, namespace, "backend-green") == digest("two")
    assert entries(cluster, namespace, "backend")[0].plan == plan_digest


def test_a_dry_run_of_a_rolling_service_is_the_api_servers_diff(
    deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {"strategy": "rolling"}
    assert deliver({"backend": "one"}, each=plain) == 0
    capsys.readouterr()
    assert deliver({"backend": "one"}, "deploy", "--dry-run", each=plain) == 0
    assert "nothing would change" in summary(capsys)
    assert deliver({"backend": "two"}, "deploy", "--dry-run", each=plain) == 0
    told = capsys.readouterr().err
    assert f"+        image: registry/backend@sha256:{digest('two')}" in told
    assert f"-        image: registry/backend@sha256:{digest('one')}" in told


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
