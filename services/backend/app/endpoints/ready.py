"""`GET /api/ready`: send me traffic. When it says no, Kubernetes sends it elsewhere."""

from flask import Flask

from app.draining import Draining


def register(app: Flask, draining: Draining) -> None:
    """Add the endpoint."""

    @app.get("/api/ready")
    def ready() -> tuple[dict[str, str], int]:
        return ({"status": "draining"}, 503) if draining.begun else ({"status": "ready"}, 200)
