"""`GET /ready`: send me traffic. When it says no, Kubernetes sends it elsewhere."""

from typing import Literal

from fastapi import APIRouter, Response, status
from pydantic import BaseModel

from app.draining import CurrentDraining

router = APIRouter()


class Readiness(BaseModel):
    """Whether traffic is wanted."""

    status: Literal["ready", "draining"]


@router.api_route("/ready", methods=["GET", "HEAD"])
async def ready(draining: CurrentDraining, response: Response) -> Readiness:
    """Say 200, or 503 once the process was told to stop."""
    if draining.begun:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return Readiness(status="draining")
    return Readiness(status="ready")
