"""`GET /api/items`: all items."""

from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import BaseModel

from app.items import ITEMS, Item

router = APIRouter()


class Items(BaseModel):
    """The items and their number."""

    items: Sequence[Item]
    count: int


@router.api_route("/api/items", methods=["GET", "HEAD"])
async def items() -> Items:
    """List the items."""
    return Items(items=ITEMS, count=len(ITEMS))
