"""The program as a person runs it: from another folder, with a kubeconfig and kubectl, and nothing of ours installed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.cluster import Cluster
from delivery.follow import get
from delivery.plan import Plan, read_plan
from delivery.strategy import Strategy
from tests.delivery.conftest import Node, digest, waiting

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/delivery.md"
Run = Callable[..., tuple[int, dict[str, Any], str]]
pytestmark = pytest.mark.usefixtures("node")


def documented() -> dict[str, Any]:
    """Read the plan of the documentation."""
    section = DOCUMENT.read_text().split("## By hand")[1]
    plan: dict[str, Any] = json.loads(section.split("```json")[1].split("```")[0])
    return plan


@pytest.fixture
def run(tmp_path: Path, namespace: str) -> Run:
    """Give a function that runs the program on the plan of the documentation; exit code, result, progress."""
    overlay = tmp_path / "manifests"
    overlay.mkdir()
    (tmp_path / "base").symlink_to(ROOT / "manifests/apps/backend")
    text = {"namespace": namespace, "resources": ["../base"]}
    (overlay / "kustomization.yaml").write_text(json.dumps(text))
    kept = {key: os.environ[key] for key in ("PATH", "KUBECONFIG")}
    environment = {**kept, "PYTHONPATH": str(ROOT), "DELIVERY_WHO": "ann"}

    def run(*flags: str, plan: Path | None = None, **changes: Any) -> tuple[int, Any, str]:
        if plan is None:
            plan = tmp_path / "plan.json"
            values = {**documented(), "namespace": namespace, "overlay": "manifests", **changes}
            plan.write_text(json.dumps(values))
        command = [sys.executable, "-m", "delivery", f"--plan={plan}", *flags]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr

    return run


def test_the_plan_of_the_documentation_is_one(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(documented()))
    plan: Plan = read_plan(tmp_path / "plan.json")
    (service,) = plan.services
    assert service.strategy is Strategy.BLUE_GREEN
    assert service.checks.rate == 20


def test_looking_freezing_and_being_refused_by_hand(
    run: Run, cluster: Cluster, namespace: str
) -> None:
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    code, result, _ = run(action="status")
    assert (code, result["summary"]) == (0, "backend: not deployed")
    code, result, _ = run(action="freeze", reason="a migration runs")
    assert code == 0
    assert "by ann: a migration runs" in result["summary"]
    code, result, told = run()
    assert code == 3
    assert "Way out: ask them, then the action unfreeze lifts it" in result["summary"]
    assert result["summary"] in told
    assert get(cluster, namespace, "backend-blue") is None
    assert run(action="unfreeze")[0] == 0
    assert run(action="history")[1]["summary"] == "backend: nothing was delivered yet"


def test_a_plan_is_looked_at_and_kept_by_hand(
    run: Run, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    saved = tmp_path / "saved.json"
    code, result, told = run("--dry-run", f"--save={saved}")
    assert code == 0, told
    assert "+++ release/backend-blue" in told
    assert documented()["services"][0]["image"] in told
    assert f"saved {saved}, digest sha256:" in result["summary"]
    assert get(cluster, namespace, "backend-blue") is None
    saved.write_text(saved.read_text().replace("staging", "elsewhere"))
    wanted = result["summary"].split("digest ")[1].split(": deliver")[0]
    code, result, _ = run(f"--expect={wanted}", plan=saved)
    assert code == 2
    assert "somebody changed it, nothing was done" in result["summary"]


def test_what_does_not_come_up_is_told_by_hand(run: Run, node: Node) -> None:
    node.states[digest("by-hand")] = waiting("CrashLoopBackOff")
    services = [{**documented()["services"][0], "image": f"r/b@sha256:{digest('by-hand')}"}]
    code, result, told = run(services=services)
    assert code == 4, told
    assert result["outcome"] == "RolloutError"
    assert "=== evidence: backend-blue" in told
    (record,) = result["records"]
    assert (record["who"], record["verdict"]) == ("ann", "failed")
