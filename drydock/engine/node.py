"""Ids: short opaque handles for objects, equal for equal calls, loadable in any session.

An id is the base64 form of a digest over (type, parent, field, arguments). What it stands for, its
recipe, is kept in the state directory's index, so that another session (or another engine process on
the same directory) makes the object again by making the call again.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import field as attribute
from typing import Any

from drydock.runtime.index import Index

from .errors import CoercionError

SPACE = "node"
_DIGEST_BYTES = 24  # no padding in base64
_IN_MEMORY = 50_000
_ALPHABET = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


@dataclass(frozen=True)
class Recipe:
    """How an object was made: the call, and for list items the position in its result."""

    type: str
    parent: str  # id; empty for the query root
    field: str  # "Container.withExec"
    args: Mapping[str, Any] = attribute(default_factory=dict)  # JSON; object arguments as ids
    index: int | None = None
    scope: str = ""

    def id(self) -> str:
        """Return the id: base64 of a digest."""
        parts = [self.type, self.parent, self.field, self.args, self.index, self.scope]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        return base64.b64encode(digest[:_DIGEST_BYTES]).decode()


class Nodes:
    """Recipes by id: the latest in memory, all in the index. Writes are gathered (`flush`)."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._memory: OrderedDict[str, Recipe] = OrderedDict()
        self._unsaved: dict[str, dict[str, Any]] = {}

    def remember(self, recipe: Recipe) -> str:
        """Keep a recipe; return its id."""
        id_ = recipe.id()
        if id_ not in self._memory:
            self._memory[id_] = recipe
            self._unsaved[id_] = asdict(recipe)
            while len(self._memory) > _IN_MEMORY:
                self._memory.popitem(last=False)
        return id_

    def known(self, id_: str) -> bool:
        """Return whether an equal call was made before, in this or another session."""
        return self.find(id_) is not None

    def find(self, id_: str) -> Recipe | None:
        """Return the recipe of an id, None if this state directory never saw it."""
        if id_ in self._memory:
            return self._memory[id_]
        if id_ in self._unsaved:
            return Recipe(**self._unsaved[id_])
        saved = self._index.get(SPACE, id_)
        if saved is None:
            return None
        recipe = Recipe(**saved)
        self._memory[id_] = recipe
        return recipe

    def take_unsaved(self) -> dict[str, dict[str, Any]]:
        """Return what is not yet in the index, to be handed to `save` (from another thread, perhaps)."""
        unsaved, self._unsaved = self._unsaved, {}
        return unsaved

    def save(self, unsaved: dict[str, dict[str, Any]]) -> None:
        """Write recipes to the index. Blocking, a few milliseconds."""
        if unsaved:
            self._index.put_many(SPACE, unsaved)

    def flush(self) -> None:
        """Write what is not yet in the index."""
        self.save(self.take_unsaved())

    def decode(self, text: str) -> Recipe:
        """Return the recipe of an id that a client sent; CoercionError says what is wrong with it."""
        wrong = illegal_base64_at(text.encode())
        if wrong is not None:
            raise CoercionError(
                "invalid ID string: failed to decode base64: "
                f"illegal base64 data at input byte {wrong}"
            )
        found = self.find(text)
        if found is None:
            raise CoercionError(
                f"unknown ID {text!r}: this engine's state directory does not hold it; "
                "ids are valid on the engine that gave them, as long as its state is kept"
            )
        return found


def illegal_base64_at(text: bytes) -> int | None:
    """Return the offset where Go's base64 decoder would stop, None for well-formed text."""
    stripped = text.rstrip(b"=")
    for offset, byte in enumerate(stripped):
        if byte not in _ALPHABET:
            return offset
    padding = len(text) - len(stripped)
    if len(text) % 4 == 0 and padding <= 2:
        return None
    # An incomplete last group is reported at its beginning.
    return len(text) // 4 * 4 if not padding else len(stripped)
