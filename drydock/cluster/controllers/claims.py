"""Claims and volumes: which volume is whose, and that neither goes while it is in use.

Invariant: a volume is bound to one claim, and both say so; a claim that is deleted stays until no pod on
a node names it, a volume until it has no claim.
"""

from __future__ import annotations

from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, is_deleting, key_of, labels_of, selects, uid_of
from drydock.cluster.errors import Obj
from drydock.cluster.quantity import amount

CLAIM, VOLUME = "v1/PersistentVolumeClaim", "v1/PersistentVolume"
CLASS = "storage.k8s.io/v1/StorageClass"
CLAIM_FINALIZER, VOLUME_FINALIZER = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"
BOUND_NOTES = {
    "pv.kubernetes.io/bind-completed": "yes",
    "pv.kubernetes.io/bound-by-controller": "yes",
}
LATE = "WaitForFirstConsumer"
RETRY_SECONDS = 15.0


class ClaimController(Controller):
    """Binds claims to volumes that fit, and lets deleted ones go."""

    name: ClassVar[str] = "persistentvolume-controller"
    kind: ClassVar[str] = CLAIM
    workers: ClassVar[int] = 1

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.volumes, self.classes, self.pods = cache[VOLUME], cache[CLASS], cache["v1/Pod"]
        self.volumes.on_change(self._everything)
        self.classes.on_change(self._everything)
        self.pods.on_change(self._pod_changed)

    async def sync(self, key: Key) -> None:
        """Take one claim a step further."""
        claim = self.primary.get(key)
        if claim is None:
            return
        if is_deleting(claim):
            await self._let_go(claim)
            return
        phase = (claim.get("status") or {}).get("phase")
        if phase == "Bound":
            if self.volumes.get(("", claim["spec"].get("volumeName", ""))) is None:
                await self.update_status(claim, {**claim["status"], "phase": "Lost"})
                text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
                await self.recorder.warning(claim, "ClaimLost", text)
            return
        volume = best_volume(claim, self.volumes.items())
        if volume is not None:
            await self._bind(claim, volume)
        elif phase != "Lost":
            await self._tell(claim)

    async def _bind(self, claim: Obj, volume: Obj) -> None:
        """Write the volume first: whoever finds it bound to this claim can finish the work."""
        if "uid" not in (volume["spec"].get("claimRef") or {}):
            volume = await self.update(
                {**volume, "spec": {**volume["spec"], "claimRef": _ref(claim)}}
            )
        if (volume.get("status") or {}).get("phase") != "Bound":
            volume = await self.update_status(volume, {"phase": "Bound"})
        if not claim["spec"].get("volumeName"):
            meta = claim["metadata"]
            notes = {**(meta.get("annotations") or {}), **BOUND_NOTES}
            spec = {**claim["spec"], "volumeName": volume["metadata"]["name"]}
            claim = await self.update(
                {**claim, "metadata": {**meta, "annotations": notes}, "spec": spec}
            )
        size = {"storage": volume["spec"]["capacity"]["storage"]}
        modes = volume["spec"].get("accessModes") or []
        await self.update_status(claim, {"phase": "Bound", "accessModes": modes, "capacity": size})

    async def _tell(self, claim: Obj) -> None:
        """Say what a claim waits for."""
        self.queue.add_after(key_of(claim), RETRY_SECONDS)
        name = claim["spec"].get("storageClassName") or ""
        if not name:
            text = "no persistent volumes available for this claim and no storage class is set"
            await self.recorder.normal(claim, "FailedBinding", text)
            return
        found = self.classes.get(("", name))
        if found is None:
            text = f'storageclass.storage.k8s.io "{name}" not found'
            await self.recorder.warning(claim, "ProvisioningFailed", text)
            return
        if found.get("volumeBindingMode") == LATE and not self._consumers(claim):
            text = "waiting for first consumer to be created before binding"
            await self.recorder.normal(claim, LATE, text)
            return
        by = found.get("provisioner", "")
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{by}' or manually by"
            " the system administrator. If volume creation is delayed, please verify that the"
            " provisioner is running and correctly registered."
        )
        await self.recorder.normal(claim, "ExternalProvisioning", text)

    async def _let_go(self, claim: Obj) -> None:
        finalizers = claim["metadata"].get("finalizers") or []
        used = any(pod["spec"].get("nodeName") for pod in self._consumers(claim))
        if used or CLAIM_FINALIZER not in finalizers:
            return
        await drop_finalizer(self, claim, CLAIM_FINALIZER)

    def _consumers(self, claim: Obj) -> list[Obj]:
        namespace, name = key_of(claim)
        return [pod for pod in self.pods.in_namespace(namespace) if name in claims_of(pod)]

    def _everything(self, _old: Obj | None, _new: Obj | None) -> None:
        for claim in self.primary.items():
            self.queue.add(key_of(claim))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        pod = new or old
        if pod is not None:
            for name in claims_of(pod):
                self.queue.add((key_of(pod)[0], name))


class VolumeController(Controller):
    """Keeps the phase of volumes."""

    name: ClassVar[str] = "persistentvolume-controller"
    kind: ClassVar[str] = VOLUME
    workers: ClassVar[int] = 1

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.claims = cache[CLAIM]
        self.claims.on_change(self._claim_changed)

    async def sync(self, key: Key) -> None:
        """Bring the phase of one volume in line with its claim."""
        volume = self.primary.get(key)
        if volume is None:
            return
        reference = volume["spec"].get("claimRef")
        held = None
        if reference is not None:
            held = self.claims.get((reference["namespace"], reference["name"]))
        is_there = held is not None and reference is not None
        is_own = is_there and reference.get("uid", "") in ("", uid_of(held or {"metadata": {}}))
        if is_deleting(volume):
            if not is_own and VOLUME_FINALIZER in (volume["metadata"].get("finalizers") or []):
                await drop_finalizer(self, volume, VOLUME_FINALIZER)
            return
        phase = (volume.get("status") or {}).get("phase")
        wanted = "Available"
        if reference is not None and reference.get("uid"):
            wanted = "Bound" if is_own else "Released"
        if phase != wanted:
            await self.update_status(volume, {"phase": wanted})

    def _claim_changed(self, old: Obj | None, new: Obj | None) -> None:
        claim = new or old
        name = claim["spec"].get("volumeName") if claim is not None else None
        if name:
            self.queue.add(("", name))


def claims_of(pod: Obj) -> list[str]:
    """Return the names of the claims that a pod uses, those made for it included."""
    names = []
    for volume in pod["spec"].get("volumes") or []:
        if "persistentVolumeClaim" in volume:
            names.append(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            names.append(f"{pod['metadata']['name']}-{volume['name']}")
    return names


def best_volume(claim: Obj, volumes: list[Obj]) -> Obj | None:
    """Return the smallest volume that fits; one that names the claim comes first."""
    fitting = [one for one in volumes if not is_deleting(one) and _fits(claim, one)]
    return min(
        fitting,
        key=lambda one: (
            not one["spec"].get("claimRef"),
            amount(one["spec"]["capacity"].get("storage", "0")),
            one["metadata"]["name"],
        ),
        default=None,
    )


def _fits(claim: Obj, volume: Obj) -> bool:
    wish, offer = claim["spec"], volume["spec"]
    reference = offer.get("claimRef")
    if reference is not None:
        mine = (reference.get("namespace"), reference.get("name")) == key_of(claim)
        return mine and reference.get("uid", uid_of(claim)) == uid_of(claim)
    named = wish.get("volumeName")
    if named:
        return bool(named == volume["metadata"]["name"])
    size = ((wish.get("resources") or {}).get("requests") or {}).get("storage", "0")
    selector = wish.get("selector")
    return (
        (wish.get("storageClassName") or "") == (offer.get("storageClassName") or "")
        and set(wish.get("accessModes") or ()) <= set(offer.get("accessModes") or ())
        and wish.get("volumeMode", "Filesystem") == offer.get("volumeMode", "Filesystem")
        and amount(size) <= amount(offer["capacity"].get("storage", "0"))
        and (selector is None or selects(selector, labels_of(volume)))
    )


async def drop_finalizer(controller: Controller, obj: Obj, name: str) -> None:
    """Take one finalizer off an object; an object that changed or went meanwhile comes up again."""
    namespace, own = key_of(obj)
    meta = obj["metadata"]
    kept = [one for one in meta["finalizers"] if one != name]
    change = {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": kept}}
    try:
        await controller.client.patch(controller.kind, namespace or None, own, change)
    except ApiError as error:
        if error.code != 404:
            raise


def _ref(claim: Obj) -> Obj:
    namespace, name = key_of(claim)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace,
        "name": name,
        "uid": uid_of(claim),
        "resourceVersion": claim["metadata"]["resourceVersion"],
    }
