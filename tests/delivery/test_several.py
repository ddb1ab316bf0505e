"""Deliveries of several services: in order, side by side, back together, and some of them alone."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from delivery import release, rolling
from delivery.__main__ import main
from delivery.cluster import Cluster
from delivery.follow import get
from tests.delivery.conftest import COUNT, Node, digest, waiting

ROOT = Path(__file__).parents[2]
SERVICES = ("backend", "frontend", "sample-app")
AFTER = {"frontend": ["backend"]}
PATIENCE_SECONDS = 20
pytestmark = pytest.mark.usefixtures("node")
Deliver = Callable[..., int]


@pytest.fixture
def deliver(tmp_path: Path, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """Give a function that delivers an image per service and returns the exit code."""
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    for name in SERVICES:
        (tmp_path / name).symlink_to(ROOT / "manifests/apps" / name)
    resources = [f"../{name}" for name in SERVICES]
    environment = [{"name": "environment", "literals": ["name=test"]}]
    text = {"namespace": namespace, "resources": resources, "configMapGenerator": environment}
    (overlay / "kustomization.yaml").write_text(json.dumps(text))
    for module in (release, rolling):
        monkeypatch.setattr(module, "verify", lambda *_args: None)

    def run(images: dict[str, str], action: str = "deploy") -> int:
        services = [
            {
                "name": name,
                "image": f"registry/{name}@sha256:{digest(image)}",
                "health": "/health",
                "version": image,
                "after": [other for other in AFTER.get(name, []) if other in images],
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
            "pull_secret": None,
            "revision": "abc",
            "services": services,
        }
        path = tmp_path / f"plan-{next(COUNT)}.json"
        path.write_text(json.dumps(plan))
        return main([f"--plan={path}"])

    return run


def named(version: str) -> dict[str, str]:
    """Give every service an image of its own."""
    return {name: f"{name}-{version}" for name in SERVICES}


def wanted(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Tell which image each Deployment that is there wants, by digest."""
    found = {name: get(cluster, namespace, name) for name in SERVICES}
    return {
        name: each["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]
        for name, each in found.items()
        if each is not None
    }


def digests(images: dict[str, str]) -> dict[str, str]:
    """Give the digests of images."""
    return {name: digest(image) for name, image in images.items()}


@contextmanager
def under_way(deliver: Deliver, images: dict[str, str]) -> Iterator[list[int]]:
    """Deliver in the background; the exit code stands in the list after the block."""
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(deliver(images)))
    thread.start()
    try:
        yield codes
    finally:
        thread.join()


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_service_begins_when_those_before_it_are_rolled_out(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str
) -> None:
    images = named("slow")
    node.states[digest("backend-slow")] = waiting("ContainerCreating")
    with under_way(deliver, images) as codes:
        until(lambda: len(wanted(cluster, namespace)) == 2)
        time.sleep(1)
        # What waits for nobody began beside the backend; the frontend did not begin.
        assert set(wanted(cluster, namespace)) == {"backend", "sample-app"}
        del node.states[digest("backend-slow")]
    assert codes == [0]
    assert wanted(cluster, namespace) == digests(images)


def test_nothing_that_comes_after_a_failure_is_begun_and_the_rest_goes_back(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver(named("good")) == 0
    before = get(cluster, namespace, "frontend")
    node.states[digest("backend-bad")] = waiting("CrashLoopBackOff")
    assert deliver(named("bad")) == 4
    after = get(cluster, namespace, "frontend")
    assert before is not None
    assert after is not None
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert wanted(cluster, namespace) == digests(named("good"))
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert "backend: CrashLoopBackOff" in told
    assert "Rolled back: backend: 3 of 3 ready" in told


def test_a_failure_at_the_end_takes_back_what_was_rolled_out_before_it(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str
) -> None:
    assert deliver(named("good")) == 0
    node.states[digest("frontend-worse")] = waiting("ImagePullBackOff")
    assert deliver(named("worse")) == 4
    assert wanted(cluster, namespace) == digests(named("good"))


def test_a_new_service_that_never_worked_stays_and_the_others_go_back(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver({"backend": "backend-first"}) == 0
    node.states[digest("frontend-new")] = waiting("CrashLoopBackOff")
    assert deliver({"backend": "backend-next", "frontend": "frontend-new"}) == 4
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert "Never worked before, so left as it is: frontend" in told
    assert wanted(cluster, namespace)["backend"] == digest("backend-first")


def test_a_delivery_of_one_service_leaves_the_others_of_the_overlay_alone(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    assert deliver({"backend": "backend-alone"}) == 0
    assert wanted(cluster, namespace) == digests({"backend": "backend-alone"})
    services = cluster.items(f"/api/v1/namespaces/{namespace}/services")
    assert [each["metadata"]["name"] for each in services] == ["backend"]
    assert deliver(named("all")) == 0
    assert deliver({"sample-app": "sample-newer"}) == 0
    assert wanted(cluster, namespace) == digests({**named("all"), "sample-app": "sample-newer"})


def test_a_rollback_of_several_starts_only_when_each_has_where_to_go(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver({"backend": "backend-1"}) == 0
    both = {"backend": "backend-2", "frontend": "frontend-2"}
    assert deliver(both) == 0
    assert deliver(both, "rollback") == 3
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert "no revision before the present one: frontend. Nothing was changed" in told
    assert "Way out: deploy the version that you want, or name only the services" in told
    assert wanted(cluster, namespace) == digests(both)
    assert deliver({"backend": "backend-2"}, "rollback") == 0
    assert wanted(cluster, namespace)["backend"] == digest("backend-1")


def test_a_rollback_of_all_takes_back_what_the_last_release_changed_and_nothing_else(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver(named("1")) == 0
    assert deliver({"sample-app": "sample-app-2"}) == 0
    last = {"backend": "backend-3", "frontend": "frontend-3"}
    assert deliver(last) == 0
    capsys.readouterr()
    assert deliver(named("any"), "rollback") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert "sample-app: it stays at sample-app-2 of " in told
    assert wanted(cluster, namespace) == digests(
        {"backend": "backend-1", "frontend": "frontend-1", "sample-app": "sample-app-2"}
    )
    assert deliver(named("any"), "rollback") == 3
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert "no rollback of a rollback" in told
    assert deliver({"sample-app": "any"}, "rollback") == 0
    assert wanted(cluster, namespace) == digests(named("1"))


def test_an_order_that_is_none_is_a_plan_that_cannot_be_understood(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(AFTER, "backend", ["frontend"])
    assert deliver(named("any")) == 2
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert told == "plan: these services wait for each other: backend -> frontend -> backend"
