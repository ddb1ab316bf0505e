"""What every cluster holds from its first moment: namespaces, roles, priority classes.

`Api` calls it at each start; what is there already stays as it is.
"""

from __future__ import annotations

from drydock.cluster.access import bootstrap as store_roles
from drydock.cluster.core import Core
from drydock.cluster.errors import Obj
from drydock.cluster.identity import new_uid, now
from drydock.cluster.store import Key

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
PRIORITIES = {
    "system-cluster-critical": (
        2_000_000_000,
        (
            "Used for system critical pods that must run in the cluster, but can be moved to another"
            " node if necessary."
        ),
    ),
    "system-node-critical": (
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
}
_CLASSES = "priorityclasses.scheduling.k8s.io"


def store_first_objects(core: Core) -> None:
    """Store what is not there yet."""
    for name in NAMESPACES:
        meta: Obj = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
        body: Obj = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        _put(core, Key("namespaces", "", name), "v1", "Namespace", meta, body)
    for name, (value, text) in PRIORITIES.items():
        body = {"value": value, "description": text, "preemptionPolicy": "PreemptLowerPriority"}
        meta = {"name": name, "generation": 1}
        key = Key(_CLASSES, "", name)
        _put(core, key, "scheduling.k8s.io/v1", "PriorityClass", meta, body)
    store_roles(core)


def _put(core: Core, key: Key, version: str, kind: str, meta: Obj, body: Obj) -> None:
    if core.store.get(key) is None:
        made = {**meta, "uid": new_uid(), "creationTimestamp": now()}
        core.store.create(key, {"kind": kind, "apiVersion": version, "metadata": made, **body})
