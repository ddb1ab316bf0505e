"""How many requests were answered and how long that took, in the words that all services share.

One process answers all requests (see `gunicorn.conf.py`), so its own registry is the whole truth.
"""

import re
import time

import prometheus_client
from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import RequestRedirect, Rule

from app import probes

LABELS = ("handler", "method", "status")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def register(app: Flask) -> CollectorRegistry:
    """Count and time every request but those of probes; return where the numbers stand."""
    prometheus_client.disable_created_metrics()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    requests = Counter("http_requests_total", "Answered requests.", LABELS, registry=registry)
    seconds = Histogram(
        "http_request_duration_seconds",
        "Seconds from a request's arrival to its answer.",
        LABELS,
        buckets=BUCKETS,
        registry=registry,
    )

    @app.before_request
    def begin() -> None:
        g.arrived = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        if request.path not in probes.PATHS:
            labels = (_handler(), _method(), str(response.status_code))
            requests.labels(*labels).inc()
            seconds.labels(*labels).observe(time.perf_counter() - g.arrived)
        return response

    return registry


def _handler() -> str:
    """Name the route as a template with braces; `none` where the path is of no route."""
    rule = _rule()
    return "none" if rule is None else _PARAMETER.sub(r"{\1}", rule.rule)


def _rule() -> Rule | None:
    """Give the route of the path, also when it does not take the request's method."""
    if not isinstance(request.routing_exception, MethodNotAllowed):
        return request.url_rule
    adapter = current_app.url_map.bind_to_environ(request.environ)
    try:
        rule, _ = adapter.match(method=min(adapter.allowed_methods()), return_rule=True)
    except RequestRedirect:  # doubled slashes: nearly the route's path, but not it
        return None
    return rule


def _method() -> str:
    """Name the method; callers must not invent labels, so that uncommon ones are one."""
    return request.method if request.method in METHODS else "other"
