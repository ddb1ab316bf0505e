"""`GET /api/items/{id}`: one item."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path

from app.items import ITEMS, Item

router = APIRouter()


@router.api_route("/api/items/{id}", methods=["GET", "HEAD"])
async def item(item_id: Annotated[str, Path(alias="id")]) -> Item:
    """Give the item; an id is compared as it is written, so that each item has one address."""
    for candidate in ITEMS:
        if str(candidate.id) == item_id:
            return candidate
    raise HTTPException(404, "There is no such item.")
