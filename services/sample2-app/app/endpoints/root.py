"""`GET /`: who answers here."""

from fastapi import APIRouter
from pydantic import BaseModel

from app.settings import SERVICE, CurrentSettings

router = APIRouter()


class Identity(BaseModel):
    """The service, where it runs, and which version of it."""

    service: str
    environment: str
    version: str


@router.api_route("/", methods=["GET", "HEAD"])
async def root(settings: CurrentSettings) -> Identity:
    """Tell service, environment and version."""
    return Identity(service=SERVICE, environment=settings.app_env, version=settings.app_version)
