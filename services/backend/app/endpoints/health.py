"""`GET /api/health`: the process can answer. When it cannot, Kubernetes restarts it."""

from flask import Flask

from app.logs import SERVICE
from app.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Add the endpoint."""

    @app.get("/api/health")
    def health() -> dict[str, str]:
        return {"status": "healthy", "service": SERVICE, "environment": settings.environment}
