"""What stops a delivery before anything is changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from delivery.cluster import Cluster
from delivery.follow import get
from tests.delivery.rolling.conftest import Deliver

pytestmark = pytest.mark.usefixtures("node")


def test_one_refused_manifest_stops_all_of_them(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = {"port": 99999, "name": "http"}
    wrong = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "wrong"},
        "spec": {"ports": [port], "selector": {"a": "b"}},
    }
    overlay = tmp_path / "overlay"
    (overlay / "wrong.yaml").write_text(json.dumps(wrong))
    text = {"namespace": namespace, "resources": ["../base", "wrong.yaml"]}
    (overlay / "kustomization.yaml").write_text(json.dumps(text))
    assert deliver("one") == 3
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert "nothing was changed" in told
    assert "99999" in told
    assert get(cluster, namespace, "backend") is None
    assert not cluster.items(f"/api/v1/namespaces/{namespace}/services")


def test_a_missing_pull_secret_stops_before_anything_is_changed(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver("one", pull_secret="ghcr") == 3
    assert "pull secret ghcr is missing" in capsys.readouterr().out
    assert get(cluster, namespace, "backend") is None


def test_a_quota_that_is_too_small_stops_before_anything_is_changed(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace},
    }
    cluster.request("POST", "/api/v1/namespaces", body)
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small"},
        "spec": {"hard": {"pods": "2"}},
        "status": {"hard": {"pods": "2"}, "used": {"pods": "0"}},
    }
    folder = f"/api/v1/namespaces/{namespace}/resourcequotas"
    cluster.request("POST", folder, quota)
    cluster.request("PATCH", f"{folder}/small/status", {"status": quota["status"]})
    assert deliver("one") == 3
    assert "quota small is too small for pods: 4 more needed, 2 left" in capsys.readouterr().out
    assert get(cluster, namespace, "backend") is None


def test_pods_that_end_while_they_are_asked_are_warned_of_and_nothing_is_refused(
    deliver: Deliver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "overlay/kustomization.yaml"
    gone = [{"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"}]
    patch = {"target": {"kind": "Deployment", "name": "backend"}, "patch": json.dumps(gone)}
    path.write_text(json.dumps({**json.loads(path.read_text()), "patches": [patch]}))
    assert deliver("one") == 0
    told = capsys.readouterr().err
    assert "warning: backend, container backend: no preStop, so it ends while requests are" in told
    assert "Way out: lifecycle: {preStop: {sleep: {seconds: 3}}}" in told


def test_an_image_that_no_manifest_uses_is_told(
    deliver: Deliver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/kustomization.yaml").write_text("{}")
    assert deliver("one", overlay=str(tmp_path / "empty")) == 2
    out = capsys.readouterr().out
    assert "uses the image 'backend'" in out or "does not build" in out
