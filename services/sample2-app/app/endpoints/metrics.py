"""`GET /metrics`: the numbers of this process, in Prometheus' text format 0.0.4."""

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from app.request_metrics import CurrentRegistry

router = APIRouter()


@router.api_route("/metrics", methods=["GET", "HEAD"])
async def metrics(registry: CurrentRegistry) -> Response:
    """Write them down."""
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
