"""The cluster's memory: every object, its version, and the recent changes.

Only `Api` and its verbs use it. One sqlite file holds the objects, so they survive `kill -9`; reads
are answered from memory. All methods run in the event loop without awaiting, which makes each of
them atomic. Invariant: the version rises by one with every change, and `history` holds every
change after `horizon`, so that a watch or a list at an older version is either exact or refused.

Stored objects are never changed in place: callers copy before they edit.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import json
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from drydock.cluster.errors import Obj

HISTORY = 20_000
"""Changes kept in memory for watches that fall behind or resume."""


class Key(NamedTuple):
    """Where an object lives: `deployments.apps`, namespace (empty when cluster-wide), name."""

    resource: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Change:
    """One step of history; `old` is None for a creation, `new` for a deletion.

    The object of a deletion is `last`: the old one with the version of the deletion.
    """

    version: int
    key: Key
    old: Obj | None
    new: Obj | None
    last: Obj

    @property
    def type(self) -> str:
        """Return ADDED, MODIFIED or DELETED."""
        if self.new is None:
            return "DELETED"
        return "ADDED" if self.old is None else "MODIFIED"


class StaleVersionError(Exception):
    """The asked version lies before what is still known: list again."""


class Store:
    """All objects of the cluster, by key."""

    def __init__(self, path: Path | None = None, *, history: int = HISTORY) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS objects (resource TEXT, namespace TEXT, name TEXT,"
            " object TEXT NOT NULL, PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS version (value INTEGER NOT NULL)")
        self._objects: dict[str, dict[Key, Obj]] = {}
        self._sorted: dict[str, list[Key]] = {}
        for resource, namespace, name, text in self._db.execute("SELECT * FROM objects"):
            key = Key(resource, namespace, name)
            self._objects.setdefault(resource, {})[key] = json.loads(text)
            self._sorted.setdefault(resource, []).append(key)
        for keys in self._sorted.values():
            keys.sort()
        row = self._db.execute("SELECT value FROM version").fetchone()
        if row is None:
            self._db.execute("INSERT INTO version VALUES (1)")
        self.version: int = row[0] if row else 1
        self.horizon = self.version
        self._history: deque[Change] = deque()
        self._limit = history
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Close the file; the store is not usable afterwards."""
        self._db.close()

    def compact(self) -> None:
        """Forget the history: only the present can be watched from now on."""
        self._history.clear()
        self.horizon = self.version

    def get(self, key: Key) -> Obj | None:
        """Return the stored object, which the caller must not change."""
        return self._objects.get(key.resource, {}).get(key)

    def all(self, resource: str, namespace: str = "") -> list[Obj]:
        """Return the objects of a resource in the order of namespace and name."""
        objects = self._objects.get(resource, {})
        return [objects[key] for key in self._keys(resource, namespace)]

    def at(self, resource: str, namespace: str, version: int) -> list[tuple[Key, Obj]]:
        """Return keys and objects as they were at a version; raises StaleVersionError."""
        objects = self._objects.get(resource, {})
        found = {key: objects[key] for key in self._keys(resource, namespace)}
        if version < self.version:
            if version < self.horizon:
                raise StaleVersionError(version)
            for change in reversed(self._history):
                if change.version <= version:
                    break
                key = change.key
                if key.resource != resource or (namespace and key.namespace != namespace):
                    continue
                if change.old is None:
                    found.pop(key, None)
                else:
                    found[key] = change.old
        return sorted(found.items(), key=lambda pair: pair[0])

    def resources(self) -> list[str]:
        """Return the names of the resources that have objects."""
        return [name for name, objects in self._objects.items() if objects]

    def create(self, key: Key, obj: Obj) -> Obj:
        """Store a new object under the next version; raises KeyError when the key is taken."""
        if self.get(key) is not None:
            raise KeyError(key)
        return self._put(key, None, obj)

    def replace(self, key: Key, obj: Obj) -> Obj:
        """Store a new state of an existing object under the next version."""
        return self._put(key, self._objects[key.resource][key], obj)

    def remove(self, key: Key) -> Obj:
        """Delete an object; return its last state, marked with the version of the deletion."""
        old = self._objects[key.resource].pop(key)
        keys = self._sorted[key.resource]
        del keys[bisect.bisect_left(keys, key)]
        version = self.version + 1
        with _transaction(self._db):
            self._db.execute(
                "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?", key
            )
            self._db.execute("UPDATE version SET value = ?", (version,))
        last = _versioned(old, version)
        self._record(Change(version, key, old, None, last))
        return last

    def since(self, version: int) -> list[Change]:
        """Return the changes after a version, in order; raises StaleVersionError."""
        if version < self.horizon:
            raise StaleVersionError(version)
        # From the newest on: every watch asks after every change, and a deque is slow in its middle.
        found = list(
            itertools.takewhile(lambda one: one.version > version, reversed(self._history))
        )
        found.reverse()
        return found

    async def changed(self, version: int) -> None:
        """Return as soon as the store is newer than a version."""
        while self.version <= version:
            await self._changed.wait()

    def _keys(self, resource: str, namespace: str) -> Iterable[Key]:
        keys = self._sorted.get(resource, [])
        if not namespace:
            return keys
        low = bisect.bisect_left(keys, Key(resource, namespace, ""))
        high = bisect.bisect_left(keys, Key(resource, namespace + "\0", ""))
        return keys[low:high]

    def _put(self, key: Key, old: Obj | None, obj: Obj) -> Obj:
        version = self.version + 1
        stored = _versioned(obj, version)
        with _transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
                (*key, json.dumps(stored, separators=(",", ":"))),
            )
            self._db.execute("UPDATE version SET value = ?", (version,))
        self._objects.setdefault(key.resource, {})[key] = stored
        if old is None:
            bisect.insort(self._sorted.setdefault(key.resource, []), key)
        self._record(Change(version, key, old, stored, stored))
        return stored

    def _record(self, change: Change) -> None:
        self.version = change.version
        self._history.append(change)
        while len(self._history) > self._limit:
            self.horizon = self._history.popleft().version
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _versioned(obj: Obj, version: int) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}
