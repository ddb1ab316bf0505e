"""How many requests were answered and how long that took, in the words that all services share."""

import time
from typing import Annotated

import prometheus_client
from fastapi import Depends, Request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import probes
from app.middleware import HttpMiddleware, on_start

LABELS = ("handler", "method", "status")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def new_registry() -> CollectorRegistry:
    """Make a registry that already knows the process's own numbers."""
    prometheus_client.disable_created_metrics()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class RequestMetrics(HttpMiddleware):
    """Counts and times every request but those of probes."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        super().__init__(app)
        self._requests = Counter(
            "http_requests_total", "Answered requests.", LABELS, registry=registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Seconds from a request's arrival to the end of its answer.",
            LABELS,
            buckets=BUCKETS,
            registry=registry,
        )

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Time the request; one that breaks off before it is answered counts as a failure."""
        begun = time.perf_counter()
        status = 500

        def note(start: Message) -> None:
            nonlocal status
            status = start["status"]

        try:
            await self.app(scope, receive, on_start(send, note))
        finally:
            if scope["path"] not in probes.PATHS:
                labels = (_handler(scope), _method(scope), str(status))
                self._requests.labels(*labels).inc()
                self._seconds.labels(*labels).observe(time.perf_counter() - begun)


def _handler(scope: Scope) -> str:
    """Name the route as a template with braces; `none` where no route matched."""
    return getattr(scope.get("route"), "path_format", "none")


def _method(scope: Scope) -> str:
    """Name the method; callers must not invent labels, so that uncommon ones are one."""
    method: str = scope["method"]
    return method if method in METHODS else "other"


async def _registry(request: Request) -> CollectorRegistry:
    registry: CollectorRegistry = request.app.state.registry
    return registry


CurrentRegistry = Annotated[CollectorRegistry, Depends(_registry)]
