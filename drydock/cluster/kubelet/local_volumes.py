"""Volumes on this machine's disk: made for claims, found for pods, removed with their claims.

A StorageClass whose provisioner is `drydock.io/local` gets folders below the state directory; hostPath
and local volumes that somebody else made are used as they are. Run by `node_parts`. Invariant: a folder
exists as long as its PersistentVolume does, and what a claim held is never given to another claim.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import ClassVar

from drydock.cluster.client import Client
from drydock.cluster.controllers.claims import CLAIM, CLASS, LATE, VOLUME
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, annotations_of, is_deleting, key_of, uid_of
from drydock.cluster.controllers.scheduler import SELECTED_NODE
from drydock.cluster.errors import ApiError, Obj
from drydock.cluster.kubelet.source import ConfigError, ConfigSource

PROVISIONER = "drydock.io/local"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


class UnboundClaim(Exception):  # noqa: N818 - it is no fault, the pod waits
    """A claim has no volume (yet) that this node can mount."""


class LocalVolumes(Controller):
    """Makes a folder and a volume for every claim of its class."""

    name: ClassVar[str] = PROVISIONER
    kind: ClassVar[str] = CLAIM
    workers: ClassVar[int] = 1

    def __init__(self, client: Client, cache: Cache, folder: Path) -> None:
        super().__init__(client, cache)
        self._folder = folder
        self.classes, self.volumes = cache[CLASS], cache[VOLUME]
        self.classes.on_change(self._class_changed)
        self.volumes.on_change(self._volume_changed)

    async def sync(self, key: Key) -> None:
        """Provide for one claim, or remove the volume of one that is gone."""
        if not key[0]:
            await self._reclaim(key)
            return
        claim = self.primary.get(key)
        if claim is None or is_deleting(claim) or claim["spec"].get("volumeName"):
            return
        found = self.classes.get(("", claim["spec"].get("storageClassName") or ""))
        if found is None or found.get("provisioner") != PROVISIONER:
            return
        late = found.get("volumeBindingMode") == LATE
        if late and SELECTED_NODE not in annotations_of(claim):
            return
        name = f"pvc-{uid_of(claim)}"
        path = self._folder / name
        await asyncio.to_thread(_make, path)
        try:
            await self.create(_volume(claim, found, name, path))
        except ApiError as error:
            if error.code != 409:
                raise
            return
        text = f"Successfully provisioned volume {name}"
        await self.recorder.normal(claim, "ProvisioningSucceeded", text)

    async def _reclaim(self, key: Key) -> None:
        volume = self.volumes.get(key)
        if volume is None or annotations_of(volume).get(PROVISIONED_BY) != PROVISIONER:
            return
        spec = volume["spec"]
        released = (volume.get("status") or {}).get("phase") == "Released"
        if not released or spec.get("persistentVolumeReclaimPolicy") != "Delete":
            return
        path = self._folder / volume["metadata"]["name"]
        if (spec.get("hostPath") or {}).get("path") == str(path):
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        await self.delete(volume)

    def _class_changed(self, _old: Obj | None, _new: Obj | None) -> None:
        for claim in self.primary.items():
            self.queue.add(key_of(claim))

    def _volume_changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self.queue.add(key_of(new))


async def folder_of(source: ConfigSource, namespace: str, claim: str) -> Path:
    """Return the folder of a claim; raises UnboundClaim."""
    try:
        held = await source.get(CLAIM, namespace, claim)
        name = ((held or {}).get("spec") or {}).get("volumeName", "")
        volume = await source.get(VOLUME, "", name) if name else None
    except ConfigError as error:
        raise UnboundClaim(str(error)) from error
    if volume is None:
        raise UnboundClaim(f'persistentvolumeclaim "{claim}" is not bound')
    for kind in ("hostPath", "local"):
        if kind in volume["spec"]:
            path = Path(volume["spec"][kind]["path"])
            if volume["spec"][kind].get("type") == "DirectoryOrCreate":
                await asyncio.to_thread(_make, path)
            if not await asyncio.to_thread(path.exists):
                raise UnboundClaim(f'path "{path}" of volume "{name}" does not exist')
            return path
    raise UnboundClaim(
        f'volume "{name}" is neither a hostPath nor a local one: this node has no others'
    )


def _make(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o777)


def _volume(claim: Obj, found: Obj, name: str, path: Path) -> Obj:
    namespace, own = key_of(claim)
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace,
        "name": own,
        "uid": uid_of(claim),
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
            "storageClassName": found["metadata"]["name"],
            "persistentVolumeReclaimPolicy": found.get("reclaimPolicy", "Delete"),
            "claimRef": reference,
            "hostPath": {"path": str(path), "type": "DirectoryOrCreate"},
        },
    }
