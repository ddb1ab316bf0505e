"""What the tests of whole blue-green deliveries read from the cluster and from the result."""

import json

import pytest

from delivery.cluster import Cluster
from delivery.follow import get

QUICK = {"watch_seconds": 1, "standby_seconds": 600}
NOTES = ("shipyard.dev/run", "shipyard.dev/release", "shipyard.dev/live")


def selector(cluster: Cluster, namespace: str, name: str = "backend") -> dict[str, str]:
    """Read whom a Service selects."""
    found = cluster.request("GET", f"/api/v1/namespaces/{namespace}/services/{name}")
    return dict(found["spec"]["selector"])


def colour(cluster: Cluster, namespace: str, name: str = "backend") -> str | None:
    """Read which colour users reach."""
    return selector(cluster, namespace, name).get("shipyard.dev/colour")


def image(cluster: Cluster, namespace: str, deployment: str) -> str:
    """Read which image a Deployment wants, by digest."""
    found = get(cluster, namespace, deployment)
    assert found is not None
    container = found["spec"]["template"]["spec"]["containers"][0]
    return str(container["image"]).rpartition(":")[2]


def summary(capsys: pytest.CaptureFixture[str]) -> str:
    """Read the last result's summary."""
    return str(json.loads(capsys.readouterr().out.splitlines()[-1])["summary"])
