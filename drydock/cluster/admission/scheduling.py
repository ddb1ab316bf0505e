"""Priority and the tolerations that every pod gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.cluster.errors import ApiError, forbidden

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write

_PATIENCE_S = 300
_CLASSES = "priorityclasses.scheduling.k8s.io"


def assign(write: Write, pod: Obj) -> None:
    """Fill in priority and tolerations, in place; 403 for an unknown priority class."""
    spec = pod["spec"]
    _priority(write, pod)
    tolerations = spec.get("tolerations") or []
    for name in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{name}"
        known = any(
            ((not one.get("key") and one.get("operator") == "Exists") or one.get("key") == key)
            and one.get("effect") in (None, "", "NoExecute")
            for one in tolerations
        )
        if not known:
            made = {"key": key, "operator": "Exists", "effect": "NoExecute"}
            tolerations = [*tolerations, {**made, "tolerationSeconds": _PATIENCE_S}]
    spec["tolerations"] = tolerations


def only_default(write: Write, obj: Obj) -> None:
    """Refuse a second priority class that is to be the default (403)."""
    if not obj.get("globalDefault"):
        return
    name = obj["metadata"].get("name", "")
    for other in write.core.store.all(_CLASSES):
        if other.get("globalDefault") and other["metadata"]["name"] != name:
            why = (
                f"PriorityClass {other['metadata']['name']} is already marked as default. Only one"
                " default can exist"
            )
            raise forbidden(write.resource.about, name, why)


def _priority(write: Write, pod: Obj) -> None:
    spec, classes = pod["spec"], _CLASSES
    name, value, policy = spec.get("priorityClassName"), 0, "PreemptLowerPriority"
    found = write.core.find(classes, "", name) if name else None
    if not name:
        found = next(
            (one for one in write.core.store.all(classes) if one.get("globalDefault")), None
        )
        if found is not None:
            spec["priorityClassName"] = found["metadata"]["name"]
    elif found is None:
        shown = pod["metadata"].get("name") or pod["metadata"].get("generateName", "")
        text = f'pods "{shown}" is forbidden: no PriorityClass with name {name} was found'
        raise ApiError(403, "Forbidden", text, {"name": shown, "kind": "pods"})
    if found is not None:
        value, policy = found.get("value", 0), found.get("preemptionPolicy", policy)
    spec["priority"] = value
    spec.setdefault("preemptionPolicy", policy)
