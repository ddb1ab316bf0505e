"""A small persistent dictionary: JSON values by (space, key) in one sqlite file.

The runtime keeps image chains in it, the engine its nodes and results. Several processes and
threads may use one file at once: each call is one transaction. A value that another version of the
code wrote has to be tolerated by its reader.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    space TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    used  REAL NOT NULL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID
"""
_BUSY_SECONDS = 30.0
_TOUCH_SECONDS = 3600.0


class Index:
    """JSON values by (space, key).

    `used` (seconds since the epoch) tells what may be pruned first.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        # WAL with synchronous=NORMAL survives the death of the process; after a power cut the
        # last entries may be missing, which only means that something runs again.
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(_SCHEMA)

    def get(self, space: str, key: str) -> Any:  # noqa: ANN401 - whatever was put
        """Return the value, None if there is none; marks it as used (to the hour)."""
        with self._lock:
            row = self._connection.execute(
                "SELECT value, used FROM entries WHERE space=? AND key=?", (space, key)
            ).fetchone()
            if row is None:
                return None
            now = time.time()
            if now - row[1] > _TOUCH_SECONDS:
                self._connection.execute(
                    "UPDATE entries SET used=? WHERE space=? AND key=?", (now, space, key)
                )
        return json.loads(row[0])

    def put(self, space: str, key: str, value: object) -> None:
        """Set the value, replacing an earlier one."""
        text = json.dumps(value, separators=(",", ":"), sort_keys=True)
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO entries VALUES (?,?,?,?)", (space, key, text, time.time())
            )

    def put_many(self, space: str, values: Mapping[str, object]) -> None:
        """Set several values of one space in one transaction."""
        now = time.time()
        rows = [
            (space, key, json.dumps(value, separators=(",", ":"), sort_keys=True), now)
            for key, value in values.items()
        ]
        with self._lock, self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?,?,?,?)", rows)

    def delete(self, space: str, key: str) -> None:
        """Remove the value, if there is one."""
        with self._lock:
            self._connection.execute("DELETE FROM entries WHERE space=? AND key=?", (space, key))

    def items(self, space: str, *, used_before: float | None = None) -> list[tuple[str, Any]]:
        """Return (key, value) of a space, the longest unused first."""
        limit = float("inf") if used_before is None else used_before
        with self._lock:
            rows = self._connection.execute(
                "SELECT key, value FROM entries WHERE space=? AND used<? ORDER BY used, key",
                (space, limit),
            ).fetchall()
        return [(key, json.loads(value)) for key, value in rows]

    def rows(self) -> list[tuple[str, str, str, float]]:
        """Return (space, key, value as JSON text, used) of everything; nothing is marked as used."""
        with self._lock:
            return self._connection.execute(
                "SELECT space, key, value, used FROM entries"
            ).fetchall()

    def shrink(self, entries: Iterable[tuple[str, str]]) -> None:
        """Remove these (space, key) in one transaction, and give the space back to the disk."""
        with self._lock:
            with self._transaction():
                self._connection.executemany("DELETE FROM entries WHERE space=? AND key=?", entries)
            self._connection.execute("VACUUM")

    def clear(self, space: str) -> None:
        """Remove every value of a space."""
        with self._lock:
            self._connection.execute("DELETE FROM entries WHERE space=?", (space,))

    def close(self) -> None:
        """Close the file; the index cannot be used any more."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
