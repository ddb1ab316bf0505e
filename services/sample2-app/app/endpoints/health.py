"""`GET /health`: the process can answer. When it cannot, Kubernetes restarts it."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from app.settings import SERVICE

router = APIRouter()


class Health(BaseModel):
    """Who is healthy; an unhealthy process does not answer."""

    status: Literal["healthy"] = "healthy"
    service: str = SERVICE


@router.api_route("/health", methods=["GET", "HEAD"])
async def health() -> Health:
    """Answer."""
    return Health()
