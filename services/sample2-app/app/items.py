"""The items: what they look like, and which there are."""

from typing import Literal

from pydantic import BaseModel


class Item(BaseModel, frozen=True):
    """One item."""

    id: int
    name: str
    state: Literal["ready"]


ITEMS = (
    Item(id=1, name="format", state="ready"),
    Item(id=2, name="test", state="ready"),
    Item(id=3, name="ship", state="ready"),
)
