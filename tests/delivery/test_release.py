"""Whole deliveries against a real API server: what comes up stays, what does not is undone with evidence."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery import lease, release, rolling
from delivery.__main__ import main
from delivery.cluster import Cluster
from delivery.errors import VerificationError
from delivery.follow import Watch, get
from tests.delivery.conftest import COUNT, Node, digest, waiting

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("node")
Deliver = Callable[..., int]


@pytest.fixture
def deliver(tmp_path: Path, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """Give a function that delivers an image and returns the exit code."""
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    base = tmp_path / "base"
    base.symlink_to(ROOT / "manifests/apps/backend")
    text = {"namespace": namespace, "resources": ["../base"]}
    (overlay / "kustomization.yaml").write_text(json.dumps(text))
    for module in (release, rolling):
        monkeypatch.setattr(module, "verify", lambda *_args: None)

    def run(image: str, action: str = "deploy", **changes: Any) -> int:
        service = {
            "name": "backend",
            "image": f"registry/backend@sha256:{digest(image)}",
            "health": "/api/health",
            "version": image,
        }
        plan = {
            "version": 1,
            "action": action,
            "environment": "test",
            "namespace": namespace,
            "overlay": str(overlay),
            "rollout_seconds": 30,
            "pull_secret": None,
            "revision": image,
            "services": [service],
            **changes,
        }
        path = tmp_path / f"plan-{next(COUNT)}.json"
        path.write_text(json.dumps(plan))
        return main([f"--plan={path}"])

    return run


def running(cluster: Cluster, namespace: str) -> str:
    """Tell which image the Deployment wants."""
    found = get(cluster, namespace, "backend")
    assert found is not None
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_good_release_comes_up_and_says_so(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver("one") == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["outcome"] == "done"
    assert "backend: 3 of 3 ready, revision 1, version one" in result["summary"]
    assert running(cluster, namespace).endswith(digest("one"))


def test_the_same_release_again_changes_nothing(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    assert deliver("one") == 0
    before = get(cluster, namespace, "backend")
    assert deliver("one") == 0
    after = get(cluster, namespace, "backend")
    assert before is not None
    assert after is not None
    assert before["metadata"]["generation"] == after["metadata"]["generation"]


@pytest.mark.parametrize(
    "reason", ["CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError"]
)
def test_what_cannot_come_up_is_put_back_with_evidence(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("good") == 0
    node.states[digest(reason)] = waiting(reason)
    assert deliver(reason) == 4
    told = capsys.readouterr()
    result = json.loads(told.out.splitlines()[-1])
    assert f"backend: {reason}: {reason} of the test" in result["summary"]
    assert "Rolled back: backend: 3 of 3 ready" in result["summary"]
    for part in ("--- events", "--- describe pod backend-", "--- logs of backend-"):
        assert part in told.err
    assert told.err.index("=== evidence") < told.err.index("rolled back")
    assert running(cluster, namespace).endswith(digest("good"))


def test_after_a_rollback_the_next_release_goes_through(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str
) -> None:
    assert deliver("good") == 0
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver("bad") == 4
    assert deliver("better") == 0
    assert running(cluster, namespace).endswith(digest("better"))


def test_a_first_release_that_fails_has_nothing_to_go_back_to(
    deliver: Deliver, node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver("bad") == 4
    assert "nothing to roll back to" in capsys.readouterr().out


def test_what_a_killed_delivery_left_is_not_taken_for_good(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str
) -> None:
    assert deliver("good") == 0
    for name in ("killed", "bad"):
        node.states[digest(name)] = waiting("CrashLoopBackOff")
    template = {
        "spec": {"containers": [{"name": "backend", "image": f"x@sha256:{digest('killed')}"}]}
    }
    patch = json.dumps({"spec": {"template": template}})
    cluster.kubectl("patch", "deployment/backend", "-n", namespace, f"--patch={patch}")
    assert deliver("bad") == 4
    assert running(cluster, namespace).endswith(digest("good"))


def test_a_first_release_that_was_killed_is_nothing_to_go_back_to(
    deliver: Deliver,
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    for name in ("first", "bad"):
        node.states[digest(name)] = waiting("CrashLoopBackOff")
    with monkeypatch.context() as killed:
        killed.setattr(Watch, "look", die)
        with pytest.raises(KeyboardInterrupt):
            deliver("first")
    assert deliver("bad") == 4
    assert "nothing to roll back to" in capsys.readouterr().out


def test_one_refused_manifest_stops_all_of_them(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = {"port": 99999, "name": "http"}
    wrong = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "wrong"},
        "spec": {"ports": [port], "selector": {"a": "b"}},
    }
    overlay = tmp_path / "overlay"
    (overlay / "wrong.yaml").write_text(json.dumps(wrong))
    text = {"namespace": namespace, "resources": ["../base", "wrong.yaml"]}
    (overlay / "kustomization.yaml").write_text(json.dumps(text))
    assert deliver("one") == 3
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert "nothing was changed" in told
    assert "99999" in told
    assert get(cluster, namespace, "backend") is None
    assert not cluster.items(f"/api/v1/namespaces/{namespace}/services")


def test_what_comes_up_but_does_not_answer_is_put_back(
    deliver: Deliver, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliver("good") == 0

    def silent(*_args: object) -> None:
        raise VerificationError("backend: /api/health answers 500")

    monkeypatch.setattr(release, "verify", silent)
    assert deliver("silent") == 6
    assert running(cluster, namespace).endswith(digest("good"))


def test_an_unchanged_release_that_does_not_answer_is_left_alone(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("older") == 0
    assert deliver("good") == 0

    def silent(*_args: object) -> None:
        raise VerificationError("backend: /api/health answers 500")

    monkeypatch.setattr(release, "verify", silent)
    assert deliver("good") == 6
    assert "nothing was rolled back" in capsys.readouterr().out
    assert running(cluster, namespace).endswith(digest("good"))


def test_rollback_goes_to_the_revision_before(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    assert deliver("one") == 0
    assert deliver("two") == 0
    assert deliver("two", "rollback") == 0
    assert running(cluster, namespace).endswith(digest("one"))


def test_status_tells_what_runs(deliver: Deliver, capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver("one", "status") == 0
    assert "backend: not deployed" in capsys.readouterr().out
    assert deliver("one") == 0
    assert deliver("one", "status") == 0
    assert "3 of 3 ready" in capsys.readouterr().out.splitlines()[-1]


def test_a_missing_pull_secret_stops_before_anything_is_changed(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver("one", pull_secret="ghcr") == 3
    assert "pull secret ghcr is missing" in capsys.readouterr().out
    assert get(cluster, namespace, "backend") is None


def test_a_quota_that_is_too_small_stops_before_anything_is_changed(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace},
    }
    cluster.request("POST", "/api/v1/namespaces", body)
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small"},
        "spec": {"hard": {"pods": "2"}},
        "status": {"hard": {"pods": "2"}, "used": {"pods": "0"}},
    }
    folder = f"/api/v1/namespaces/{namespace}/resourcequotas"
    cluster.request("POST", folder, quota)
    cluster.request("PATCH", f"{folder}/small/status", {"status": quota["status"]})
    assert deliver("one") == 3
    assert "quota small is too small for pods: 4 more needed, 2 left" in capsys.readouterr().out
    assert get(cluster, namespace, "backend") is None


def test_an_image_that_no_manifest_uses_is_told(
    deliver: Deliver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/kustomization.yaml").write_text("{}")
    assert deliver("one", overlay=str(tmp_path / "empty")) == 2
    out = capsys.readouterr().out
    assert "uses the image 'backend'" in out or "does not build" in out


def test_two_deliveries_at_once_take_turns(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    codes: dict[str, int] = {}

    def run(image: str) -> None:
        codes[image] = deliver(image)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == {"left": 0, "right": 0}
    assert running(cluster, namespace).endswith((digest("left"), digest("right")))


def test_the_lock_of_a_killed_job_expires(
    deliver: Deliver, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliver("one") == 0
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    held = {"spec": {"holderIdentity": "killed"}}
    cluster.request("PATCH", f"{folder}/{lease.NAME}", held)
    monkeypatch.setattr(lease, "DURATION_SECONDS", 1)
    assert deliver("two") == 0
    found = cluster.request("GET", f"{folder}/{lease.NAME}")
    assert found["spec"].get("holderIdentity", "") == ""


def test_a_lost_lock_stops_the_delivery_without_putting_anything_back(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("one") == 0
    node.states[digest("slow")] = waiting("ContainerCreating")
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.1)
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    def take() -> None:
        while not running(cluster, namespace).endswith(digest("slow")):
            ended.wait(0.05)
        cluster.request("PATCH", f"{folder}/{lease.NAME}", {"spec": {"holderIdentity": "other"}})

    ended = threading.Event()
    thief = threading.Thread(target=take)
    thief.start()
    try:
        assert deliver("slow") == 4
    finally:
        thief.join()
    assert "'other' holds it" in capsys.readouterr().out
    assert running(cluster, namespace).endswith(digest("slow"))


def test_a_delivery_that_is_asked_to_end_gives_the_lock_back(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str, tmp_path: Path
) -> None:
    assert deliver("one") == 0
    node.states[digest("slow")] = waiting("ContainerCreating")
    (plan,) = tmp_path.glob("plan-*.json")
    plan.write_text(plan.read_text().replace(digest("one"), digest("slow")))
    command = [sys.executable, "-m", "delivery", f"--plan={plan}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        while "pods are new" not in process.stderr.readline():
            assert process.poll() is None
        process.terminate()
        assert process.wait() == 143
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    found = cluster.request("GET", f"{folder}/{lease.NAME}")
    assert found["spec"].get("holderIdentity", "") == ""


def test_what_a_rollback_brought_back_can_be_removed_by_the_next_release(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "overlay/kustomization.yaml"
    plain = json.loads(path.read_text())
    variable = {"name": "OLD", "value": "yes"}
    add = [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": variable}]
    patch = {"target": {"kind": "Deployment", "name": "backend"}, "patch": json.dumps(add)}
    path.write_text(json.dumps({**plain, "patches": [patch]}))
    assert deliver("with") == 0
    path.write_text(json.dumps(plain))
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver("bad") == 4
    assert variable in variables(cluster, namespace)
    assert deliver("without") == 0
    assert variable not in variables(cluster, namespace)


def variables(cluster: Cluster, namespace: str) -> list[dict[str, str]]:
    """List the variables that the Deployment gives its container."""
    found = get(cluster, namespace, "backend")
    assert found is not None
    env: list[dict[str, str]] = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return env
