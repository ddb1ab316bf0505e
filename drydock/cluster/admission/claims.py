"""A claim that names no storage class gets the default one, if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def assign(write: Write, claim: Obj) -> None:
    """Fill in the class, in place; of several defaults the newest counts."""
    if claim["spec"].get("storageClassName") is not None:
        return
    found = [
        one["metadata"]
        for one in write.core.store.all("storageclasses.storage.k8s.io")
        if (one["metadata"].get("annotations") or {}).get(DEFAULT) == "true"
    ]
    if found:
        newest = max(found, key=lambda meta: (meta["creationTimestamp"], meta["name"]))
        claim["spec"]["storageClassName"] = newest["name"]
