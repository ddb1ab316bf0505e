"""Verification: does each service answer? Asked through the API server's service proxy.

That way works on every cluster with rights in the namespace alone, from wherever the delivery
runs, also where the ingress listens on a loopback address.
"""

import time

from delivery.cluster import Cluster
from delivery.errors import VerificationError
from delivery.plan import Plan, Service
from delivery.progress import say

PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.3
PORT = "http"
OK = range(200, 300)


def verify(cluster: Cluster, plan: Plan) -> None:
    """Ask every service for its health; raise VerificationError with its last answer."""
    for service in plan.services:
        answer = _ask(cluster, plan.namespace, service)
        say(f"{service.name}: {service.health} answers {answer}")


def _ask(cluster: Cluster, namespace: str, service: Service) -> str:
    path = f"/api/v1/namespaces/{namespace}/services/{service.name}:{PORT}/proxy{service.health}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            status, body = cluster.raw("GET", path)
            told = f"{status} {body.decode(errors='replace').strip()[:300]}"
            if status in OK:
                return told
        except OSError as error:
            told = str(error)
        if time.monotonic() > deadline:
            raise VerificationError(f"{service.name}: {service.health} answers {told}")
        time.sleep(PAUSE_SECONDS)
