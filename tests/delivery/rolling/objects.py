"""The service that the tests deliver, its pods, and what is read from the cluster."""

from typing import Any

from delivery.cluster import Cluster
from delivery.follow import get
from tests.delivery.conftest import digest, ready


def service(image: str, **changes: Any) -> dict[str, Any]:
    """Write the service of a plan."""
    return {
        "name": "backend",
        "image": f"registry/backend@sha256:{digest(image)}",
        "health": "/api/health",
        "version": image,
        **changes,
    }


def restarted(image: str) -> dict[str, Any]:
    """Say that a pod runs, is ready, and has been restarted."""
    status = ready(image)
    status["containerStatuses"][0]["restartCount"] = 1
    return status


def running(cluster: Cluster, namespace: str) -> str:
    """Tell which image the Deployment wants."""
    found = get(cluster, namespace, "backend")
    assert found is not None
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def variables(cluster: Cluster, namespace: str) -> list[dict[str, str]]:
    """List the variables that the Deployment gives its container."""
    found = get(cluster, namespace, "backend")
    assert found is not None
    env: list[dict[str, str]] = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return env
