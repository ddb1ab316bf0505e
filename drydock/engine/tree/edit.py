"""Lazy edits of snapshots: a step that changes a tree, keyed by what it does to what.

A chain of cheap steps (`withNewFile` three times) becomes one snapshot: evaluating the last applies the
ones before it in the same mount. The result is kept in the index by key, for all sessions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from drydock.engine.lazy import Lazy, digest_of
from drydock.runtime.snapshot import Snapshot

if TYPE_CHECKING:
    from drydock.engine.engine import Engine

_LONGEST_CHAIN = 200

Apply = Callable[[Path], Awaitable[None]]


class Keyed(Protocol):
    """Something that enters a key: a Lazy, a Directory, a File."""

    async def key(self) -> str:
        """Return what names its value."""
        ...


class TreeEdit(Lazy[Snapshot]):
    """One step on top of `base`.

    `what` (JSON) and `inputs` say what the step does; with the base's key they make the key.
    `base_key` stands in for `base` where only a part of the base counts (a directory picked from it).
    `cheap` steps may be applied more than once, in one go with their neighbours.
    """

    def __init__(
        self,
        engine: Engine,
        base: Lazy[Snapshot],
        what: Sequence[Any],
        apply: Apply,
        *,
        inputs: Sequence[Keyed] = (),
        base_key: Keyed | None = None,
        cheap: bool = True,
    ) -> None:
        super().__init__(self._find, self._evaluate)
        self._engine = engine
        self.base = base
        self._what = list(what)
        self._inputs = tuple(inputs)
        self._base_key: Keyed = base_key or base
        self.apply: Apply = apply
        self.cheap = cheap

    async def _find(self) -> str:
        keys = [await item.key() for item in self._inputs]
        return digest_of("edit", await self._base_key.key(), self._what, keys)

    async def kept(self) -> Snapshot | None:
        """Return the result of an earlier evaluation, None if there is none or it was pruned."""
        return stored(self._engine, await self.key())

    async def _evaluate(self) -> Snapshot:
        if (found := await self.kept()) is not None:
            return found
        steps: list[TreeEdit] = [self]
        base = self.base
        while (
            isinstance(base, TreeEdit)
            and base.cheap
            and not base.evaluated
            and len(steps) < _LONGEST_CHAIN
            and await base.kept() is None
        ):
            steps.append(base)
            base = base.base
        below = await base.get()
        async with self._engine.snapshots.edit(below) as edit:
            for step in reversed(steps):
                await step.apply(edit.path)
            snapshot = await edit.commit()
        store(self._engine, await self.key(), snapshot)
        return snapshot


def stored(engine: Engine, key: str) -> Snapshot | None:
    """Return the snapshot kept under a key, None if there is none or it was pruned."""
    found = engine.results.get(f"tree:{key}")
    return engine.snapshots.get(found) if found else None


def store(engine: Engine, key: str, snapshot: Snapshot) -> None:
    """Keep a snapshot under a key."""
    engine.results.put(f"tree:{key}", snapshot.id)
