"""Whole deliveries by commits: real git, real kubectl, a real API server, and a small Argo CD that heals."""

import json
import re
import subprocess

import pytest

from delivery.cluster import Cluster
from delivery.errors import VerificationError
from delivery.gitops import converge, run
from tests.delivery.conftest import Node, digest, waiting
from tests.delivery.gitops.argo import Argo
from tests.delivery.gitops.conftest import Deliver, reference
from tests.delivery.gitops.forge import BRANCH, HERMETIC, Forge
from tests.delivery.gitops.seen import Capture, history, notes, running, said

pytestmark = pytest.mark.usefixtures("node")


def test_a_release_is_a_commit_and_the_cluster_follows_it(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str, capsys: Capture
) -> None:
    before = forge.text()
    assert deliver(backend="one") == 0
    result, told = said(capsys)
    assert forge.messages() == ["Deliver backend one to test", "a change by hand"]
    assert forge.text() == (
        f"{before}images:\n  - name: backend\n    newName: registry/backend\n"
        f"    digest: sha256:{digest('one')}\n"
    )
    assert running(cluster, namespace) == reference("one")
    assert result["outcome"] == "done"
    assert re.search(r"backend: 1 of 1 ready, revision \d, version one", result["summary"])
    assert f"commit {forge.head()[:10]} on {BRANCH} of {forge.address}" in result["summary"]
    assert "backend: the cluster wants it" in told
    assert notes(cluster, namespace)["shipyard.dev/version"] == "one"
    assert history(cluster, namespace) == [("deploy", "live", "one")]
    assert argo.synced[-1] == forge.head()


def test_the_commit_says_by_trailers_what_it_moved(
    deliver: Deliver, forge: Forge, argo: Argo
) -> None:
    assert deliver(backend="one") == 0
    assert deliver(backend="two", top={"reason": "weekly", "approved_by": "ben"}) == 0
    message = forge.git("log", "-1", "--format=%B")
    trailers = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        env=HERMETIC,
        input=message,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    found = dict(line.split(": ", 1) for line in trailers)
    assert message.splitlines()[2] == "By ann: weekly"
    assert found["Shipyard-Action"] == "deploy"
    assert found["Shipyard-Environment"] == "test"
    assert (found["Shipyard-By"], found["Shipyard-Approved-By"]) == ("ann", "ben")
    assert found["Shipyard-Plan"].startswith("sha256:")
    assert json.loads(found["Shipyard-Service"]) == {
        "name": "backend",
        "image": reference("two"),
        "version": "two",
        "revision": "0123456789abcdef",
        "barrier": "",
        "before": {"image": reference("one"), "version": "one", "revision": "0123456789abcdef"},
    }
    assert argo.synced[-1] == forge.head()


def test_the_same_release_again_is_no_commit(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    head, synced = forge.head(), list(argo.synced)
    assert deliver(backend="one") == 0
    assert f"unchanged: commit {head[:10]} by ann says so" in said(capsys)[1]
    assert forge.head() == head
    assert argo.synced == synced
    assert history(cluster, namespace) == [("deploy", "live", "one")]


@pytest.mark.parametrize("reason", ["CrashLoopBackOff", "ImagePullBackOff"])
def test_what_cannot_come_up_is_taken_back_by_a_commit_with_evidence_first(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    node: Node,
    namespace: str,
    reason: str,
    capsys: Capture,
) -> None:
    assert deliver(backend="good") == 0
    good = forge.text()
    node.states[digest(reason)] = waiting(reason)
    assert deliver(backend=reason) == 4
    result, told = said(capsys)
    assert forge.messages()[:2] == [
        "Take back to backend good in test",
        f"Deliver backend {reason} to test",
    ]
    assert forge.text() == good
    assert running(cluster, namespace) == reference("good")
    assert f"backend: {reason}: {reason} of the test" in result["summary"]
    assert f"Taken back by commit {forge.head()[:10]}: backend: 1 of 1 ready" in result["summary"]
    assert told.index("=== evidence") < told.index("Take back to backend")
    assert history(cluster, namespace)[0] == ("deploy", "rolled back", reason)
    assert argo.synced[-1] == forge.head()
    assert notes(cluster, namespace)["shipyard.dev/version"] == "good"


def test_after_a_failed_release_the_next_one_goes_through(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, node: Node, namespace: str
) -> None:
    assert deliver(backend="good") == 0
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver(backend="bad") == 4
    assert deliver(backend="better") == 0
    assert running(cluster, namespace) == reference("better")
    assert len(forge.messages()) == 5
    assert argo.healed == 0


def test_a_first_release_that_fails_stays_as_it_is(
    deliver: Deliver, forge: Forge, argo: Argo, node: Node, capsys: Capture
) -> None:
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver(backend="bad") == 4
    assert "there is nothing to roll back to" in said(capsys)[0]["summary"]
    assert forge.messages()[0] == "Deliver backend bad to test"
    assert argo.synced[-1] == forge.head()


def test_what_comes_up_but_does_not_answer_is_taken_back(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert deliver(backend="good") == 0

    def silent(*_args: object) -> None:
        monkeypatch.setattr(run, "verify", lambda *_args: None)
        raise VerificationError("backend: /api/health answers 500")

    monkeypatch.setattr(run, "verify", silent)
    assert deliver(backend="silent") == 6
    assert forge.messages()[0] == "Take back to backend good in test"
    assert running(cluster, namespace) == reference("good")
    assert argo.synced[-1] == forge.head()


def test_a_good_release_that_no_longer_answers_is_left_alone(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    assert deliver(backend="older") == 0
    assert deliver(backend="good") == 0
    head = forge.head()

    def silent(*_args: object) -> None:
        raise VerificationError("backend: /api/health answers 500")

    monkeypatch.setattr(run, "verify", silent)
    assert deliver(backend="good") == 6
    assert "nothing was taken back" in said(capsys)[0]["summary"]
    assert forge.head() == head
    assert argo.synced[-1] == head


def test_a_commit_that_nobody_brings_to_the_cluster_is_taken_back(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    assert deliver(backend="good") == 0
    argo.stop()
    monkeypatch.setattr(converge, "SYNC_SECONDS", 2)
    assert deliver(backend="late") == 4
    told = said(capsys)[0]["summary"]
    assert "nobody brought the commit to the cluster for 2 seconds" in told
    assert f"watch branch {BRANCH}, folder manifests/environments/test" in told
    assert forge.messages()[0] == "Take back to backend good in test"
    assert running(cluster, namespace) == reference("good")


def test_a_service_without_a_pin_is_not_handed_to_the_cluster(
    deliver: Deliver, forge: Forge, namespace: str, cluster: Cluster, capsys: Capture
) -> None:
    with forge.person("ann") as tree:
        (tree / "manifests/apps/frontend").mkdir()
        bare = json.dumps(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "frontend"},
                "spec": {
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": {
                        "metadata": {"labels": {"a": "b"}},
                        "spec": {"containers": [{"name": "c", "image": "frontend"}]},
                    },
                },
            }
        )
        (tree / "manifests/apps/frontend/deployment.yaml").write_text(bare)
        (tree / "manifests/apps/frontend/kustomization.yaml").write_text(
            "resources: [deployment.yaml]\n"
        )
    forge.change("  - ../../apps/backend\n", "  - ../../apps/backend\n  - ../../apps/frontend\n")
    head = forge.head()
    assert deliver(backend="one") == 3
    assert "given frontend with no more than the name" in said(capsys)[0]["summary"]
    assert forge.head() == head
    assert running(cluster, namespace) == ""


def test_manifests_that_the_cluster_refuses_are_not_pushed(
    deliver: Deliver, forge: Forge, capsys: Capture
) -> None:
    with forge.person("ann") as tree:
        path = tree / "manifests/apps/backend/deployment.yaml"
        path.write_text(path.read_text().replace("containerPort: 5000", "containerPort: 99999"))
    head = forge.head()
    assert deliver(backend="one") == 3
    assert "the cluster refuses the manifests, nothing was changed" in said(capsys)[0]["summary"]
    assert forge.head() == head


def test_the_lock_is_held_until_the_cluster_has_converged(
    deliver: Deliver,
    argo: Argo,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holders: list[str] = []
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/shipyard-delivery"

    def look(*_args: object) -> None:
        holders.append(cluster.request("GET", path)["spec"]["holderIdentity"])

    monkeypatch.setattr(run, "verify", look)
    assert deliver(backend="one") == 0
    assert holders != [""]
    assert cluster.request("GET", path)["spec"]["holderIdentity"] == ""
    assert argo.healed == 0


def test_a_dry_run_shows_the_commit_and_pushes_nothing(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    head = forge.head()
    assert deliver(flags=["--dry-run"], backend="two") == 0
    result, told = said(capsys)
    assert f"-    digest: sha256:{digest('one')}\n+    digest: sha256:{digest('two')}" in told
    assert f"-        image: {reference('one')}\n+        image: {reference('two')}" in told
    assert result["summary"].endswith("would move backend, see the differences")
    assert deliver(flags=["--dry-run"], backend="one") == 0
    assert said(capsys)[0]["summary"].startswith("nothing would be committed")
    assert deliver(flags=["--dry-run", "--save=/nowhere"], backend="two") == 3
    assert forge.head() == head == argo.synced[-1]
    assert running(cluster, namespace) == reference("one")


def test_what_declares_a_barrier_is_not_taken_back(
    deliver: Deliver, forge: Forge, argo: Argo, node: Node, capsys: Capture
) -> None:
    assert deliver(backend="good") == 0
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    bad = {"image": reference("bad"), "version": "bad", "barrier": "drops the column name"}
    assert deliver(backend=bad) == 5
    told = said(capsys)[0]["summary"]
    assert "backend declares a barrier (drops the column name), so its commit was not taken" in told
    assert forge.messages()[0] == "Deliver backend bad to test"
    assert argo.synced[-1] == forge.head()


def test_a_live_gate_that_blocks_takes_the_release_back(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str, capsys: Capture
) -> None:
    gate = {"kind": "http", "name": "smoke", "path": "/api/health"}
    good = {"image": reference("good"), "version": "good"}
    assert deliver(backend=good) == 0
    bad = {"image": reference("bad"), "version": "bad", "gates": {"live": [gate]}}
    assert deliver(backend=bad) == 6
    assert "backend: gate smoke: " in said(capsys)[0]["summary"]
    assert forge.messages()[0] == "Take back to backend good in test"
    assert running(cluster, namespace) == reference("good")
    assert argo.synced[-1] == forge.head()
