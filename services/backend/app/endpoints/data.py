"""`GET /api/data`: the items that the frontend shows."""

from flask import Flask

ITEMS = (
    {"id": 1, "name": "format", "state": "ready"},
    {"id": 2, "name": "test", "state": "ready"},
    {"id": 3, "name": "ship", "state": "ready"},
)


def register(app: Flask) -> None:
    """Add the endpoint."""

    @app.get("/api/data")
    def data() -> dict[str, object]:
        return {"items": ITEMS, "count": len(ITEMS)}
