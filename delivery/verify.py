"""Verification: does each service answer? Asked through the API server's service proxy.

That way works on every cluster with rights in the namespace alone, from wherever the delivery
runs, also where the ingress listens on a loopback address.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from delivery.clock import CLOCK, Clock
from delivery.cluster import Cluster
from delivery.errors import VerificationError
from delivery.plan import Service
from delivery.progress import say

PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.3
ANSWER_SECONDS = 3.0
"""How long one answer may take: a service that hangs has to be seen in time to go back."""
PORT = "http"
OK = range(200, 300)


def verify(cluster: Cluster, namespace: str, services: Iterable[Service]) -> None:
    """Ask every service for its health; raise VerificationError with its last answer."""
    for service in services:
        answer = ask(cluster, through(namespace, service.name, service.health), PATIENCE_SECONDS)
        if not answer.good:
            raise VerificationError(f"{service.name}: {service.health} answers {answer.told}")
        say(f"{service.name}: {service.health} answers {answer.told}")


@dataclass(frozen=True)
class Answer:
    """The last answer of a service, in words."""

    good: bool
    told: str


def through(namespace: str, address: str, path: str) -> str:
    """Name a path of a Service behind the API server's proxy."""
    return f"/api/v1/namespaces/{namespace}/services/{address}:{PORT}/proxy{path}"


def ask(cluster: Cluster, target: str, patience: float, clock: Clock = CLOCK) -> Answer:
    """Ask until the answer is good, or for `patience` seconds."""
    deadline = clock.monotonic() + patience
    while True:
        try:
            status, body = cluster.raw("GET", target, seconds=ANSWER_SECONDS)
            told = f"{status} {body.decode(errors='replace').strip()[:300]}"
            if status in OK:
                return Answer(good=True, told=told)
        except OSError as error:
            told = str(error)
        if clock.monotonic() >= deadline:
            return Answer(good=False, told=told)
        clock.sleep(PAUSE_SECONDS)
