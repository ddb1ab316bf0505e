"""Whole deliveries of one rolling service, against a real API server with real controllers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery import release, rolling
from delivery.__main__ import main
from tests.delivery.conftest import COUNT
from tests.delivery.rolling.objects import service

ROOT = Path(__file__).parents[3]
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
        plan = {
            "version": 1,
            "action": action,
            "environment": "test",
            "namespace": namespace,
            "overlay": str(overlay),
            "rollout_seconds": 30,
            "pull_secret": None,
            "revision": image,
            "services": [service(image)],
            **changes,
        }
        path = tmp_path / f"plan-{next(COUNT)}.json"
        path.write_text(json.dumps(plan))
        return main([f"--plan={path}"])

    return run
