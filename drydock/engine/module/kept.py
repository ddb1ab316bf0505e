"""Kept results of functions: their keys, how long they last, and which of them mean nothing in another session.

The key is the digest of module, type, parent state, function and arguments; secrets of providers count by value. Results
are kept over sessions for seven days, or as the function says; failures never come here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drydock.engine.ask import load
from drydock.engine.errors import EngineError
from drydock.engine.field import Call
from drydock.engine.lazy import digest_of
from drydock.engine.module.target import Target
from drydock.engine.process.secret_store import SessionSecrets

if TYPE_CHECKING:
    from drydock.engine.process.secret_store import Secret

SPACE = "function"
SEVEN_DAYS = 7 * 24 * 3600.0
_ID_LENGTH = 32


class SessionResults:
    """Results that live as long as the session."""

    def __init__(self, _session: Any) -> None:
        self.kept: dict[str, Any] = {}


async def key_of(target: Target, call: Call, inputs: Mapping[str, Any]) -> str:
    """Return the key of the result, empty if it must not be kept."""
    if target.function.policy == "Never":
        return ""
    try:
        state, arguments = await asyncio.gather(
            _stable(call, target.state), _stable(call, dict(inputs))
        )
    except EngineError:
        return ""  # a secret cannot be read; the function may never ask for it
    return digest_of(
        target.module.digest, target.type_name, target.function.original, state, arguments
    )


async def _stable(call: Call, value: Any) -> Any:
    """Replace the ids of provider secrets by what their values are known as."""
    if isinstance(value, Mapping):
        return {name: await _stable(call, item) for name, item in value.items()}
    if isinstance(value, list):
        return [await _stable(call, item) for item in value]
    if isinstance(value, str) and len(value) == _ID_LENGTH:
        recipe = call.runtime.nodes.find(value)
        if recipe is not None and recipe.type == "Secret":
            secret: Secret = await load(call.session.client, value)
            return await call.session.part(SessionSecrets).cache_identity(secret)
    return value


def find(call: Call, key: str) -> dict[str, Any] | None:
    """Return the entry of a key, `{"value", "expires"}`; None if there is none or it is too old."""
    found = call.session.part(SessionResults).kept.get(key)
    if found is None:
        found = call.runtime.state.index.get(SPACE, key)
    if not isinstance(found, dict) or found.get("expires", 0) <= time.time():
        return None
    # Ids are written a moment later than results: an engine that was killed between them, or a
    # pruned index, leaves a result that names nothing.
    if not all(call.runtime.nodes.known(id_) for id_ in found.get("ids", ())):
        return None
    return found


async def keep(target: Target, call: Call, key: str, value: Any) -> None:
    """Keep a result, in the state directory or for the session only."""
    ttl = target.function.ttl or SEVEN_DAYS
    ids = [id_ for id_ in _ids(value) if call.runtime.nodes.known(id_)]
    entry = {"value": value, "ids": ids, "expires": time.time() + ttl}
    if target.function.policy == "Default" and await _outlives(call, value):
        call.runtime.state.index.put(SPACE, key, entry)
    else:
        call.session.part(SessionResults).kept[key] = entry


async def _outlives(call: Call, value: Any) -> bool:
    """Return whether a result means something in another session: secrets set by name do not."""
    pending, seen = _ids(value), set[str]()
    while pending:
        id_ = pending.pop()
        if id_ in seen:
            continue
        seen.add(id_)
        recipe = call.runtime.nodes.find(id_)
        if recipe is None:
            continue
        if recipe.type == "Secret":
            secret = await load(call.session.client, id_)
            if not getattr(secret, "uri", ""):
                return False
        pending += [recipe.parent, *_ids(dict(recipe.args))]
    return True


def _ids(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [id_ for item in value.values() for id_ in _ids(item)]
    if isinstance(value, list):
        return [id_ for item in value for id_ in _ids(item)]
    return [value] if isinstance(value, str) and len(value) == _ID_LENGTH else []
