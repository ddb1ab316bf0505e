"""Which folders go with their volumes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drydock.cluster.api import Api
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import is_deleting
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.local_volumes import PROVISIONED_BY, PROVISIONER, LocalVolumes
from drydock.cluster.store import Store

VOLUME = "v1/PersistentVolume"


def volume(name: str, path: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": path},
        },
    }


@pytest.mark.parametrize("tail", ["pvc-1", "..", "other", "pvc-1/../other"])
async def test_a_volume_takes_no_folder_but_its_own(tmp_path: Path, tail: str) -> None:
    """Whoever may write volumes cannot have the node remove what lies beside or above."""
    folder = tmp_path / "volumes"
    for name in ("pvc-1", "other"):
        (folder / name).mkdir(parents=True)
    store = Store()
    client = Api(store).client("local-volumes")
    made = await client.create(volume("pvc-1", f"{folder}/{tail}"))
    status = {"status": {"phase": "Released"}}
    await client.patch(VOLUME, None, made["metadata"]["name"], status, subresource="status")
    cache = Cache(client)
    volumes = LocalVolumes(client, cache, folder)
    await cache.start()
    running = asyncio.create_task(volumes.run())
    gone = asyncio.Event()

    def told(_old: Obj | None, new: Obj | None) -> None:
        if new is None or is_deleting(new):
            gone.set()

    volumes.volumes.on_change(told)
    await asyncio.wait_for(gone.wait(), 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await cache.close()
    store.close()
    left = {one.name for one in folder.iterdir()}
    assert left == ({"other"} if tail == "pvc-1" else {"pvc-1", "other"})
