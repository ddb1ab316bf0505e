"""Rules for volumes, storage classes and priority classes."""

from __future__ import annotations

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.validation.causes import (
    IMMUTABLE,
    forbidden,
    invalid,
    required,
    unsupported,
)
from drydock.cluster.validation.registry import rule, update_rule

_PLAIN = {
    "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity",
    "persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName", "volumeMode",
}  # fmt: skip
_RECLAIM = ("Delete", "Recycle", "Retain")
_MOST_PRIORITY = 1_000_000_000
_SYSTEM = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
CLASSES = "priorityclasses.scheduling.k8s.io"


@rule("persistentvolumes")
def volume(obj: Obj) -> list[Cause]:
    """Check a PersistentVolume."""
    spec = obj["spec"]
    causes: list[Cause] = []
    if not spec.get("accessModes"):
        causes.append(required("spec.accessModes"))
    if not spec.get("capacity"):
        causes.append(required("spec.capacity"))
    elif "storage" not in spec["capacity"]:
        causes.append(unsupported("spec.capacity", spec["capacity"], ("storage",)))
    sources = [name for name in spec if name not in _PLAIN]
    if not sources:
        causes.append(required("spec", "must specify a volume type"))
    causes += [
        forbidden(f"spec.{name}", "may not specify more than 1 volume type") for name in sources[1:]
    ]
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy not in _RECLAIM:
        causes.append(unsupported("spec.persistentVolumeReclaimPolicy", policy, _RECLAIM))
    return causes


@update_rule("persistentvolumes")
def volume_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that what a volume is made of stays."""
    after, before = (
        {name: value for name, value in one["spec"].items() if name not in _PLAIN}
        for one in (new, old)
    )
    if after == before:
        return []
    why = "spec.persistentvolumesource is immutable after creation"
    return [forbidden("spec.persistentvolumesource", why)]


@rule("storageclasses.storage.k8s.io")
def storage_class(obj: Obj) -> list[Cause]:
    """Check a StorageClass."""
    causes = [] if obj.get("provisioner") else [required("provisioner")]
    if obj.get("reclaimPolicy") not in ("Delete", "Retain"):
        causes.append(unsupported("reclaimPolicy", obj.get("reclaimPolicy"), ("Delete", "Retain")))
    return causes


@update_rule("storageclasses.storage.k8s.io")
def storage_class_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that everything that volumes are made by stays."""
    causes = [
        forbidden(name, f"updates to {name} are forbidden.")
        for name in ("parameters", "provisioner", "reclaimPolicy")
        if new.get(name) != old.get(name)
    ]
    mode = new.get("volumeBindingMode")
    if mode != old.get("volumeBindingMode"):
        causes.append(invalid("volumeBindingMode", mode, IMMUTABLE))
    return causes


@rule(CLASSES)
def priority_class(obj: Obj) -> list[Cause]:
    """Check a PriorityClass; names of the system are for the system alone."""
    name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
    if name.startswith("system-"):
        if _SYSTEM.get(name) == value:
            return []
        why = (
            "priority class names with 'system-' prefix are reserved for system use only. error:"
            f" {name} is not a known system priority class"
        )
        return [forbidden("metadata.name", why)]
    if value > _MOST_PRIORITY:
        why = f"maximum allowed value of a user defined priority is {_MOST_PRIORITY}"
        return [forbidden("value", why)]
    return []


@update_rule(CLASSES)
def priority_class_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that the value stays: pods have it already."""
    causes = []
    if new.get("value", 0) != old.get("value", 0):
        causes.append(forbidden("value", "may not be changed in an update."))
    policy = new.get("preemptionPolicy")
    if policy != old.get("preemptionPolicy"):
        causes.append(invalid("preemptionPolicy", policy, IMMUTABLE))
    return causes
