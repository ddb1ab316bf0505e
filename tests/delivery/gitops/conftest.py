"""A git host, a small Argo CD and a cluster; deliveries to them as a person would start them."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from delivery.__main__ import main
from delivery.cluster import Cluster
from delivery.gitops import converge, git, run
from tests.delivery.conftest import COUNT, Node, digest
from tests.delivery.gitops.argo import Argo
from tests.delivery.gitops.forge import BRANCH, FOLDER, Forge

Deliver = Callable[..., int]
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait longer than it takes; the pods of these tests answer nothing."""
    monkeypatch.setattr(git, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(converge, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(run, "verify", lambda *_args: None)
    for name in ("TOKEN", "TOKEN_FILE", "USERNAME", "SSH_KEY", "KNOWN_HOSTS", "AUTHOR"):
        monkeypatch.delenv(f"DELIVERY_GIT_{name}", raising=False)


@pytest.fixture
def node(node: Node) -> Iterator[Node]:
    """Give the only node, which forgets after the test what it was told of images."""
    yield node
    node.states.clear()


@pytest.fixture
def forge(tmp_path: Path, namespace: str) -> Forge:
    """Give a git host that has the manifests of the backend."""
    made = Forge(tmp_path / "forge")
    made.found(namespace, "backend")
    return made


@pytest.fixture
def argo(cluster: Cluster, forge: Forge, tmp_path: Path, namespace: str) -> Iterator[Argo]:
    """Give an Argo CD that watches the branch."""
    made = Argo(cluster, forge, tmp_path, namespace)
    made.start()
    yield made
    made.stop()


def reference(image: str, name: str = "backend") -> str:
    """Give an image of a service a reference by its digest."""
    return f"registry/{name}@sha256:{digest(image)}"


@pytest.fixture
def write(tmp_path: Path, namespace: str, forge: Forge) -> Write:
    """Give a function that writes a plan and returns its path. A service is an image, or some of its keys."""

    def plan_for(action: str, top: dict[str, Any] | None = None, **images: Any) -> Path:
        services = [
            {
                "name": name,
                "image": reference(image, name) if isinstance(image, str) else "",
                "health": "/api/health",
                "version": image if isinstance(image, str) else "",
                **(image if isinstance(image, dict) else {}),
            }
            for name, image in images.items()
        ]
        plan = {
            "version": 1,
            "action": action,
            "environment": "test",
            "namespace": namespace,
            "overlay": "/nowhere",
            "rollout_seconds": 30,
            "pull_secret": None,
            "revision": "0123456789abcdef",
            "who": "ann",
            "mode": "gitops",
            "gitops": {"repository": forge.address, "branch": BRANCH, "folder": FOLDER},
            "services": services,
            **(top or {}),
        }
        path = tmp_path / f"plan-{next(COUNT)}.json"
        path.write_text(json.dumps(plan))
        return path

    return plan_for


@pytest.fixture
def deliver(write: Write) -> Deliver:
    """Give a function that delivers images by commits and returns the exit code."""

    def start(
        action: str = "deploy",
        top: dict[str, Any] | None = None,
        flags: Sequence[str] = (),
        **images: Any,
    ) -> int:
        return main([f"--plan={write(action, top, **images)}", *flags])

    return start
