"""Whole deliveries by plan, against a real API server with real controllers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery import release, rolling
from delivery.__main__ import main
from delivery.bluegreen import facts, judging, machine
from delivery.cluster import Cluster
from delivery.verify import Answer
from tests.delivery.colours.objects import QUICK
from tests.delivery.conftest import COUNT, digest

ROOT = Path(__file__).parents[3]
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
        extra, own = changes.pop("each", {}), changes.pop("own", {})
        services = [
            {
                "name": name,
                "image": f"registry/{name}@sha256:{digest(image)}",
                "health": "/health",
                "version": image,
                "strategy": "blue-green",
                "blue_green": QUICK,
                **extra,
                **own.get(name, {}),
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
