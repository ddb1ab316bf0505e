"""Somebody else's repository that keeps the two conventions ships with Shipyard as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Shipped

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
TINY = Path(__file__).parents[1] / "repositories" / "tiny"


@pytest.fixture
def tiny(shipped: Shipped) -> Path:
    """Make it a repository of its own, outside of Shipyard's."""
    copy = shipped.place.root / "tiny"
    shutil.copytree(TINY, copy)
    shipped.place.git(copy, "init", "-q", "-b", "main")
    shipped.place.commit(copy)
    return copy


def test_two_unlike_services_ship_and_answer(shipped: Shipped, tiny: Path) -> None:
    ports = shipped.place.ports
    kubeconfig = shipped.place.root / "config" / "drydock" / "kubeconfig"
    done = shipped.call(
        "-m",
        str(shipped.repository),
        "--source=.",
        "--git=.",
        f"--registry=tcp://127.0.0.1:{ports['registry']}",
        f"--cluster=tcp://127.0.0.1:{ports['api']}",
        f"--kubeconfig=file:{kubeconfig}",
        "ship",
        "--env=local",
        cwd=tiny,
    )
    assert done.code == 0, done.text[-6000:]
    assert shipped.place.get("/tiny/hello") == (200, '{"greeting": "hello"}')
    services = shipped.kubectl("-n", "tiny-local", "get", "deployments", "-o", "json")
    running = {
        item["metadata"]["name"]: item["status"]["readyReplicas"]
        for item in json.loads(services.stdout)["items"]
    }
    assert running == {"greeter": 1, "page": 1}
