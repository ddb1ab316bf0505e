"""Pruning takes what is old, and nothing that something younger needs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from drydock.engine.engine import Engine
from drydock.engine.prune import prune
from drydock.runtime.errors import RuntimeFault
from drydock.runtime.index import Index
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir

pytestmark = pytest.mark.root
HOUR = 3600.0
CHILD, PARENT, STRAY = "c" * 32, "p" * 32, "s" * 32


def age(index: Index, space: str, key: str) -> None:
    """Make an entry as old as if nobody had asked for it since 1970."""
    index._connection.execute("UPDATE entries SET used=0 WHERE space=? AND key=?", (space, key))


async def snapshot_with(store: SnapshotStore, name: str) -> Snapshot:
    async with store.edit(store.empty) as edit:
        (edit.path / name).write_text(name)
        return await edit.commit()


async def test_results_go_with_their_snapshots_and_outputs(state: StateDir) -> None:
    store = SnapshotStore(state)
    old, new = await snapshot_with(store, "old"), await snapshot_with(store, "new")
    store.close()
    for key, snapshot in (("old", old), ("new", new)):
        state.index.put("exec", key, {"rootfs": snapshot.id})
        (state.root / "outputs").mkdir(exist_ok=True)
        (state.root / "outputs" / key).write_text(key)
    age(state.index, "exec", "old")
    assert prune(state, HOUR).entries == 1
    assert state.index.get("exec", "old") is None
    store = SnapshotStore(state)
    assert (store.get(old.id), store.get(new.id)) == (None, new)
    store.close()
    assert [path.name for path in (state.root / "outputs").iterdir()] == ["new"]


def test_an_id_that_a_younger_one_needs_stays(state: StateDir) -> None:
    """A function's kept result names an object, which was made by a call on another."""
    state.index.put("function", "key", {"value": json.dumps({"made": CHILD})})
    state.index.put("node", CHILD, {"parent": PARENT})
    state.index.put("node", PARENT, {"parent": ""})
    state.index.put("node", STRAY, {"parent": ""})
    for id_ in (CHILD, PARENT, STRAY):
        age(state.index, "node", id_)
    assert prune(state, HOUR).entries == 1
    assert state.index.get("node", PARENT) is not None
    assert state.index.get("node", STRAY) is None


def test_a_manifest_that_stays_keeps_its_blobs(state: StateDir) -> None:
    """Else an image that is known could not be pushed."""
    layer, stray = state.put_blob(b"layer"), state.put_blob(b"stray")
    manifest = state.put_blob(json.dumps({"layers": [{"digest": layer}]}).encode())
    for digest in (layer, stray):
        os.utime(state.blob(digest), (0, 0))
    prune(state, HOUR)
    left = {path.name for path in Path(state.blobs).iterdir()}
    assert left == {state.blob(layer).name, state.blob(manifest).name}


async def test_nothing_goes_while_an_engine_runs(state: StateDir, engine: Engine) -> None:
    assert engine.snapshots.empty
    state.index.put("exec", "key", {})
    age(state.index, "exec", "key")
    with pytest.raises(RuntimeFault, match="drydock stop"):
        prune(state, HOUR)
    assert state.index.get("exec", "key") == {}
