"""What can be seen of a delivery: in the cluster, in the history, and in its own words."""

import json
from typing import Any

import pytest

from delivery.cluster import Cluster
from delivery.follow import get

Capture = pytest.CaptureFixture[str]


def running(cluster: Cluster, namespace: str, name: str = "backend") -> str:
    """Tell which image a Deployment wants."""
    found = get(cluster, namespace, name)
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"]) if found else ""


def notes(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Give the annotations of the backend's Deployment."""
    found = get(cluster, namespace, "backend")
    assert found is not None
    return dict(found["metadata"].get("annotations") or {})


def history(cluster: Cluster, namespace: str) -> list[tuple[str, str, str]]:
    """Tell action, verdict and version of what is in the history, the newest first."""
    found = cluster.find(f"/api/v1/namespaces/{namespace}/configmaps/shipyard-history-backend")
    records = json.loads(found["data"]["records"]) if found else []
    return [(each["action"], each["verdict"], each["version"]) for each in records]


def said(capsys: Capture) -> tuple[dict[str, Any], str]:
    """Give the result of the last delivery, and what it told people."""
    told = capsys.readouterr()
    return dict(json.loads(told.out.splitlines()[-1])), told.err
