"""Several services in one overlay: one commit for a release, and back together those that it moved."""

from pathlib import Path

import pytest

from delivery.cluster import Cluster
from tests.delivery.conftest import Node, digest, waiting
from tests.delivery.gitops.argo import Argo
from tests.delivery.gitops.conftest import Deliver, reference
from tests.delivery.gitops.forge import Forge
from tests.delivery.gitops.seen import Capture, running, said

pytestmark = pytest.mark.usefixtures("node")


@pytest.fixture
def forge(tmp_path: Path, namespace: str) -> Forge:
    """Give a git host that has two services."""
    made = Forge(tmp_path / "forge")
    made.found(namespace, "backend", "frontend")
    return made


def pinned(forge: Forge, name: str, image: str) -> bool:
    """Tell whether the branch pins a service to an image."""
    return (
        f"  - name: {name}\n    newName: registry/{name}\n    digest: sha256:{digest(image)}\n"
        in forge.text()
    )


def test_one_fails_and_all_that_the_commit_moved_go_back_and_no_more(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    node: Node,
    namespace: str,
    capsys: Capture,
) -> None:
    assert deliver(backend="one", frontend="one") == 0
    assert forge.messages()[0] == "Deliver backend one, frontend one to test"
    assert deliver(backend="two") == 0
    assert (pinned(forge, "backend", "two"), pinned(forge, "frontend", "one")) == (True, True)
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver(backend="three", frontend="bad") == 4
    assert "frontend: CrashLoopBackOff" in said(capsys)[0]["summary"]
    assert forge.messages()[0] == "Take back to backend two, frontend one in test"
    assert deliver(backend="two", frontend="bad") == 4
    assert forge.messages()[0] == "Take back to frontend one in test"
    assert running(cluster, namespace) == reference("two")
    assert running(cluster, namespace, "frontend") == reference("one", "frontend")
    assert argo.synced[-1] == forge.head()


def test_a_rollback_moves_the_services_that_were_named(
    deliver: Deliver, forge: Forge, argo: Argo, cluster: Cluster, namespace: str
) -> None:
    assert deliver(backend="one", frontend="one") == 0
    assert deliver(backend="two", frontend="two") == 0
    assert deliver("rollback", frontend=None) == 0
    assert (pinned(forge, "backend", "two"), pinned(forge, "frontend", "one")) == (True, True)
    head = forge.head()
    assert deliver("rollback", backend=None, frontend=None) == 3
    assert forge.head() == head
    assert deliver("rollback", backend=None) == 0
    assert running(cluster, namespace) == reference("one")
    assert argo.synced[-1] == forge.head()


def test_the_first_delivery_brings_all_services_of_the_overlay(
    deliver: Deliver, forge: Forge, capsys: Capture
) -> None:
    head = forge.head()
    assert deliver(backend="one") == 3
    assert "given frontend with no more than the name" in said(capsys)[0]["summary"]
    assert forge.head() == head
