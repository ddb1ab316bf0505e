"""Every overlay builds, fits Kubernetes' schema, and asks for what the services need, and no more."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = sorted(
    path.parent for path in ROOT.glob("manifests/environments/*/environment.yaml")
)
KUBECTL = Path(sys.executable).parent / "kubectl"
Obj = dict[str, Any]


@pytest.fixture(scope="module", params=ENVIRONMENTS, ids=lambda path: path.name)
def overlay(request: pytest.FixtureRequest) -> list[Obj]:
    """Render one environment."""
    done = subprocess.run(
        [KUBECTL, "kustomize", request.param], capture_output=True, text=True, check=True
    )
    return [obj for obj in yaml.safe_load_all(done.stdout) if obj]


def one(objects: list[Obj], kind: str) -> Obj:
    """Take the only object of a kind."""
    (found,) = [obj for obj in objects if obj["kind"] == kind]
    return found


def test_every_object_is_valid(overlay: list[Obj]) -> None:
    for obj in overlay:
        kubernetes_validate.validate(obj, "1.37", strict=True)


def test_the_backend_rolls_as_required(overlay: list[Obj]) -> None:
    spec = one(overlay, "Deployment")["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 1}
    (container,) = spec["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"memory": "128Mi", "cpu": "100m"},
        "limits": {"memory": "256Mi", "cpu": "200m"},
    }
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        assert container[probe]["httpGet"]["path"] == "/api/health"


def test_the_backend_is_restricted(overlay: list[Obj]) -> None:
    pod = one(overlay, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp"}


def test_service_ingress_and_budget_find_the_backend(overlay: list[Obj]) -> None:
    labels = one(overlay, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert one(overlay, "Service")["spec"]["selector"].items() <= labels.items()
    budget = one(overlay, "PodDisruptionBudget")["spec"]
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    (rule,) = one(overlay, "Ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["path"] == "/api"
    assert path["backend"]["service"] == {"name": "backend", "port": {"name": "http"}}


def test_no_cluster_scoped_right_is_needed(overlay: list[Obj]) -> None:
    for obj in overlay:
        assert obj["metadata"].get("namespace"), obj["kind"]
