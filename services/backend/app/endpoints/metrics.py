"""`GET /metrics`: the numbers of this process, in Prometheus' text format 0.0.4."""

from flask import Flask, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4


def register(app: Flask, registry: CollectorRegistry) -> None:
    """Add the endpoint."""

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
