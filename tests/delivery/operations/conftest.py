"""An environment of two services on the API server of `tests/delivery`, and actions on it by plan, as users run them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from delivery import release, rolling
from delivery.__main__ import main
from delivery.bluegreen import facts, judging, machine
from delivery.cluster import Cluster
from delivery.operations.chaos import run
from delivery.operations.health import service as health_of_service
from delivery.verify import Answer
from tests.delivery.conftest import COUNT, Node, digest

ROOT = Path(__file__).parents[3]
NAMES = ("backend", "sample-app")
BLUE_GREEN = {"strategy": "blue-green"}


@dataclass(frozen=True)
class Done:
    """A finished action."""

    code: int
    summary: str
    progress: str


@dataclass
class Environment:
    """An environment in a namespace of its own. Its overlay and what its services answer may be changed."""

    folder: Path
    namespace: str
    cluster: Cluster
    capsys: pytest.CaptureFixture[str]
    answers: dict[str, bool] = field(default_factory=dict)

    def overlay(self, **changes: Any) -> None:
        """Write the overlay, with more keys."""
        text = {
            "namespace": self.namespace,
            "resources": [f"../{name}" for name in NAMES],
            "configMapGenerator": [{"name": "environment", "literals": ["name=test"]}],
            **changes,
        }
        folder = self.folder / "overlay"
        folder.mkdir(exist_ok=True)
        (folder / "kustomization.yaml").write_text(json.dumps(text))

    def act(self, action: str, image: str = "one", **changes: Any) -> Done:
        """Carry out a plan; `each` changes every service, `only` names some of them."""
        each, only = changes.pop("each", {}), changes.pop("only", NAMES)
        services = [
            {
                "name": name,
                "image": f"registry/{name}@sha256:{digest(image)}",
                "health": "/health",
                "version": image,
                "blue_green": {"watch_seconds": 0, "standby_seconds": 600},
                **each,
            }
            for name in only
        ]
        plan = {
            "version": 1,
            "action": action,
            "environment": "test",
            "namespace": self.namespace,
            "overlay": str(self.folder / "overlay"),
            "rollout_seconds": 30,
            "revision": "abc",
            "who": "a tester",
            "services": services,
            **changes,
        }
        path = self.folder / f"plan-{next(COUNT)}.json"
        path.write_text(json.dumps(plan))
        self.capsys.readouterr()
        code = main([f"--plan={path}"])
        told = self.capsys.readouterr()
        summary = str(json.loads(told.out.splitlines()[-1])["summary"])
        return Done(code, summary, told.err)

    def names(self, folder: str, selector: str = "") -> list[str]:
        """List the names of objects of the namespace."""
        api = "/api/v1" if "/" not in folder else f"/apis/{folder.rpartition('/')[0]}"
        path = f"{api}/namespaces/{self.namespace}/{folder.rpartition('/')[2]}"
        return sorted(each["metadata"]["name"] for each in self.cluster.items(path, selector))

    def make(self, folder: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make an object in the namespace, as somebody else."""
        api = "/api/v1" if "/" not in folder else f"/apis/{folder.rpartition('/')[0]}"
        path = f"{api}/namespaces/{self.namespace}/{folder.rpartition('/')[2]}"
        return self.cluster.request("POST", f"{path}?fieldManager=somebody", body)


@pytest.fixture
def environment(
    tmp_path: Path,
    namespace: str,
    cluster: Cluster,
    node: Node,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Environment]:
    """Give an environment to which nothing was delivered yet. Its services answer by the test's word."""
    del node
    for name in NAMES:
        (tmp_path / name).symlink_to(ROOT / "manifests/apps" / name)
    made = Environment(tmp_path, namespace, cluster, capsys)
    made.overlay()

    def ask(_cluster: Cluster, target: str, _patience: float, _clock: object = None) -> Answer:
        name = target.split("/services/")[1].split(":")[0]
        good = made.answers.get(name, True)
        return Answer(good=good, told="200 fine" if good else "500 as the test says")

    for module in (release, rolling, run):
        monkeypatch.setattr(module, "verify", lambda *_args: None)
    for module in (judging, machine, health_of_service):
        monkeypatch.setattr(module, "ask", ask)
    monkeypatch.setattr(facts, "LINGER_SECONDS", 0)
    monkeypatch.setattr(run, "CALM_SECONDS", 0.5)
    yield made
    # The pods of all tests are on one node, which gets slower with each.
    cluster.kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")
