"""Going back is a commit too, so self-heal agrees with it; and not every way back is open."""

import re

import pytest

from delivery import lease
from delivery.cluster import Cluster
from delivery.gitops import run
from tests.delivery.conftest import Node, digest, waiting
from tests.delivery.gitops.argo import Argo
from tests.delivery.gitops.conftest import Deliver, reference
from tests.delivery.gitops.forge import Forge
from tests.delivery.gitops.seen import Capture, history, notes, running, said

pytestmark = pytest.mark.usefixtures("node")


def test_a_rollback_is_a_commit_that_puts_the_digest_before_back(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    one = forge.text()
    assert deliver(backend="two") == 0
    assert deliver("rollback", backend=None) == 0
    result, _ = said(capsys)
    assert re.search(r"backend: 1 of 1 ready, revision \d, version one", result["summary"])
    assert forge.text() == one
    assert forge.messages()[0] == "Roll back to backend one in test"
    assert running(cluster, namespace) == reference("one")
    assert notes(cluster, namespace)["shipyard.dev/version"] == "one"
    assert history(cluster, namespace)[0] == ("rollback", "rolled back", "one")
    assert argo.healed == 0


def test_self_heal_agrees_with_the_rollback_and_with_nothing_else(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str
) -> None:
    assert deliver(backend="one") == 0
    assert deliver(backend="two") == 0
    assert deliver("rollback", backend=None) == 0
    by_hand = f"backend={reference('two')}"
    cluster.kubectl("set", "image", "deployment/backend", by_hand, "-n", namespace)
    assert deliver(backend="one") == 0
    assert argo.healed >= 1
    assert running(cluster, namespace) == reference("one")
    assert forge.messages()[0] == "Roll back to backend one in test"


def test_there_is_no_rollback_of_a_rollback(
    deliver: Deliver, forge: Forge, argo: Argo, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    assert deliver(backend="two") == 0
    assert deliver("rollback", backend=None) == 0
    head = forge.head()
    assert deliver("rollback", backend=None) == 3
    told = said(capsys)[0]["summary"]
    assert f"backend: commit {head[:10]} by ann went back already" in told
    assert "Rule: no rollback of a rollback" in told
    assert forge.head() == head == argo.synced[-1]
    assert deliver(backend="three") == 0
    assert deliver("rollback", backend=None) == 0
    assert forge.messages()[0] == "Roll back to backend one in test"


def test_there_is_no_rollback_of_a_release_that_took_itself_back(
    deliver: Deliver, forge: Forge, argo: Argo, node: Node, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver(backend="bad") == 4
    head = forge.head()
    assert deliver("rollback", backend=None) == 3
    assert "went back already" in said(capsys)[0]["summary"]
    assert forge.head() == head == argo.synced[-1]


def test_a_first_release_has_nothing_to_go_back_to(
    deliver: Deliver, forge: Forge, argo: Argo, capsys: Capture
) -> None:
    assert deliver("rollback", backend=None) == 3
    assert "backend: no pin yet" in said(capsys)[0]["summary"]
    assert deliver(backend="one") == 0
    assert deliver("rollback", backend=None) == 3
    assert "Rule: nothing is there to roll back to" in said(capsys)[0]["summary"]
    assert argo.synced[-1] == forge.head()


def test_what_somebody_committed_by_hand_is_not_ours_to_go_back_from(
    deliver: Deliver, forge: Forge, argo: Argo, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    assert deliver(backend="two") == 0
    forge.change(digest("two"), digest("by hand"))
    head = forge.head()
    assert deliver("rollback", backend=None) == 3
    told = said(capsys)[0]["summary"]
    assert f"{reference('by hand')} was not written by a delivery" in told
    assert "Way out: revert that commit with git" in told
    assert forge.head() == head
    argo.stop()


def test_there_is_no_rollback_across_a_barrier(
    deliver: Deliver, forge: Forge, argo: Argo, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    two = {"image": reference("two"), "version": "two", "barrier": "drops the column name"}
    assert deliver(backend=two) == 0
    head = forge.head()
    assert deliver("rollback", backend=None) == 3
    assert "two declares a barrier: drops the column name" in said(capsys)[0]["summary"]
    assert forge.head() == head == argo.synced[-1]


def test_into_a_frozen_environment_nothing_new_gets_but_going_back_works(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    assert deliver(backend="two") == 0
    assert deliver("freeze", {"reason": "sale"}, backend=None) == 0
    head = forge.head()
    assert deliver(backend="three") == 3
    assert "was frozen by ann" in said(capsys)[0]["summary"]
    assert forge.head() == head
    assert deliver("rollback", backend=None) == 0
    assert running(cluster, namespace) == reference("one")
    assert argo.synced[-1] == forge.head()


def test_a_rollback_to_what_no_longer_comes_up_is_told_with_evidence(
    deliver: Deliver, forge: Forge, argo: Argo, node: Node, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    assert deliver(backend="two") == 0
    node.states[digest("one")] = waiting("ImagePullBackOff")
    assert deliver("rollback", backend=None) == 5
    result, told = said(capsys)
    assert "the release before does not come up: backend: ImagePullBackOff" in result["summary"]
    assert "It needs a person" in result["summary"]
    assert "=== evidence" in told
    assert argo.synced[-1] == forge.head()


def test_blue_green_is_refused_with_both_ways_out(
    deliver: Deliver, forge: Forge, capsys: Capture
) -> None:
    service = {"image": reference("one"), "strategy": "blue-green"}
    head = forge.head()
    assert deliver(backend=service) == 3
    told = said(capsys)[0]["summary"]
    assert "backend: strategy blue-green in mode gitops" in told
    assert "strategy: rolling" in told
    assert "mode: apply" in told
    assert forge.head() == head


def test_what_is_still_blue_green_in_the_cluster_is_refused(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str, capsys: Capture
) -> None:
    assert deliver(backend="one") == 0
    argo.stop()
    selector = {"spec": {"selector": {"shipyard.dev/colour": "blue"}}}
    path = f"/api/v1/namespaces/{namespace}/services/backend"
    cluster.request("PATCH", path, selector)
    head = forge.head()
    assert deliver(backend="two") == 3
    assert "backend: blue-green in the cluster" in said(capsys)[0]["summary"]
    assert deliver("rollback", backend=None) == 3
    assert forge.head() == head


def test_a_saved_plan_is_refused(deliver: Deliver, forge: Forge, capsys: Capture) -> None:
    saved = {"objects": [{"kind": "ConfigMap", "metadata": {"name": "a"}}]}
    head = forge.head()
    assert deliver(top=saved, backend="one") == 3
    assert "git holds what is applied" in said(capsys)[0]["summary"]
    assert forge.head() == head


def test_a_delivery_waits_its_turn(
    deliver: Deliver,
    forge: Forge,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    cluster.request("POST", "/api/v1/namespaces", made)
    monkeypatch.setattr(run, "PATIENCE_SECONDS", -660.0)
    head = forge.head()
    with lease.locked(cluster, namespace, "another", 5):
        assert deliver(backend="one") == 3
    assert "the lock was not free" in said(capsys)[0]["summary"]
    assert forge.head() == head
