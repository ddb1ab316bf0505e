"""Pruning: what nobody asked for in a while goes, and with it what only it needed.

`drydock prune` calls it, with engine and cluster stopped. Everything that goes can be made again: results, ids,
layers and blobs. Cache volumes, the registry and the cluster's objects stay.

What an entry of the index needs is found by what is written in it, whoever wrote it: ids of other entries, of
snapshots, digests of blobs. A word that only looks like one keeps something too much, never too little.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drydock.engine.node import SPACE as NODES
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir

_ALWAYS = {"engine"}  # the salt of cache keys
_EXECS = "exec"
_ID = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{32}(?![A-Za-z0-9+/])")
_SNAPSHOT = re.compile(r"(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])")
_BLOB = re.compile(r"sha256:([0-9a-f]{64})")
_MANIFEST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Pruned:
    """What went: entries of the index, and bytes on the disk."""

    entries: int
    freed: int


def prune(state: StateDir, unused_seconds: float) -> Pruned:
    """Remove what was not used for so long; RuntimeFault while an engine or a cluster runs. Blocking."""
    limit = time.time() - unused_seconds
    store = SnapshotStore(state)
    gone: list[tuple[str, str]] = []
    freed = 0

    def survivors() -> set[Snapshot]:
        nonlocal gone, freed
        kept, gone = _divide(state, limit)
        state.index.shrink(gone)
        freed = _remove_blobs(state, "\n".join(kept), limit)
        freed += _remove_outputs(state, gone)
        return {Snapshot(name) for text in kept for name in _SNAPSHOT.findall(text)}

    try:
        freed += store.prune(survivors)
    finally:
        store.close()
    return Pruned(len(gone), freed)


def _divide(state: StateDir, limit: float) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the texts of the entries that stay and the keys of those that go."""
    rows = state.index.rows()
    nodes = {key: value for space, key, value, _ in rows if space == NODES}
    stays = {
        (space, key): value for space, key, value, used in rows if used >= limit or space in _ALWAYS
    }
    waiting = list(stays.values())
    while waiting:
        for id_ in _ID.findall(waiting.pop()):
            if id_ in nodes and (NODES, id_) not in stays:
                stays[NODES, id_] = nodes[id_]
                waiting.append(nodes[id_])
    return list(stays.values()), [
        (space, key) for space, key, _, _ in rows if (space, key) not in stays
    ]


def _remove_blobs(state: StateDir, named: str, limit: float) -> int:
    """Remove blobs that were neither read nor written lately; what a manifest that stays names, stays."""
    blobs = {path.name: path for path in state.blobs.iterdir()}
    waiting = set(_BLOB.findall(named)) & blobs.keys()
    for name, path in blobs.items():
        status = path.stat()
        if max(status.st_atime, status.st_mtime) >= limit:
            waiting.add(name)
    stays: set[str] = set()
    while waiting:
        name = waiting.pop()
        stays.add(name)
        waiting |= (set(_named_by(blobs[name])) & blobs.keys()) - stays
    return sum(_removed(path) for name, path in blobs.items() if name not in stays)


def _named_by(blob: Path) -> Iterator[str]:
    """Yield the blobs that a manifest or index names; other blobs name none."""
    if blob.stat().st_size > _MANIFEST_BYTES:
        return
    try:
        text = blob.read_text()
        json.loads(text)
    except ValueError:
        return  # a layer
    yield from _BLOB.findall(text)


def _remove_outputs(state: StateDir, gone: list[tuple[str, str]]) -> int:
    """Remove the long outputs of commands whose results are gone."""
    paths = [state.root / "outputs" / key for space, key in gone if space == _EXECS]
    return sum(_removed(path) for path in paths if path.exists())


def _removed(path: Path) -> int:
    size = path.stat().st_blocks * 512
    path.unlink()
    return size
