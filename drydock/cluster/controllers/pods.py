"""Facts about pods that more than one controller needs.

Available means ready for at least `minReadySeconds`; active means neither ended nor going.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from drydock.cluster.controllers.meta import (
    annotations_of,
    condition_of,
    created,
    is_deleting,
    moment_of,
)
from drydock.cluster.errors import Obj

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def phase_of(pod: Obj) -> str:
    """Return the phase; a pod that nobody reported on is Pending."""
    return str((pod.get("status") or {}).get("phase") or "Pending")


def has_ended(pod: Obj) -> bool:
    """Tell whether all containers ended for good."""
    return phase_of(pod) in ("Succeeded", "Failed")


def is_active(pod: Obj) -> bool:
    """Tell whether the pod counts towards a number of replicas."""
    return not has_ended(pod) and not is_deleting(pod)


def is_terminating(pod: Obj) -> bool:
    """Tell whether the pod is going but has not ended."""
    return is_deleting(pod) and not has_ended(pod)


def ready_since(pod: Obj) -> datetime | None:
    """Return when the pod became ready, None when it is not."""
    condition = condition_of(pod.get("status") or {}, "Ready")
    if condition is None or condition["status"] != "True":
        return None
    return moment_of(condition.get("lastTransitionTime"))


def is_ready(pod: Obj) -> bool:
    """Tell whether the pod is ready."""
    return ready_since(pod) is not None


def available_at(pod: Obj, min_ready_seconds: int) -> datetime | None:
    """Return when the pod is available if it stays ready, None when it is not ready."""
    since = ready_since(pod)
    return None if since is None else since + timedelta(seconds=min_ready_seconds)


def is_available(pod: Obj, min_ready_seconds: int, at: datetime) -> bool:
    """Tell whether the pod has been ready for long enough."""
    moment = available_at(pod, min_ready_seconds)
    return moment is not None and moment <= at


def deletion_rank(pod: Obj, neighbours: int) -> tuple[Any, ...]:
    """Return the sort key for scaling down: the pods to delete come first.

    Not assigned, then not running, then not ready, then cheap by annotation, then those on a node
    with many (`neighbours`) of their own, then those that became ready last, restarted most, and
    are the youngest.
    """
    status = pod.get("status") or {}
    since = ready_since(pod)
    restarts = [c.get("restartCount", 0) for c in status.get("containerStatuses") or []]
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}
    return (
        bool(pod["spec"].get("nodeName")),
        phases.get(phase_of(pod), 2),
        since is not None,
        _cost(pod),
        -neighbours,
        -since.timestamp() if since is not None else 0.0,
        -max(restarts, default=0),
        -created(pod).timestamp(),
    )


def _cost(pod: Obj) -> int:
    text = annotations_of(pod).get(DELETION_COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0


def pod_from(template: Obj, *, namespace: str, owner: Obj) -> Obj:
    """Build a pod from a template; `owner` is the reference of its managing owner."""
    meta = template.get("metadata") or {}
    metadata: Obj = {
        "generateName": f"{owner['name']}-",
        "namespace": namespace,
        "labels": dict(meta.get("labels") or {}),
        "ownerReferences": [owner],
    }
    if meta.get("annotations"):
        metadata["annotations"] = dict(meta["annotations"])
    if meta.get("finalizers"):
        metadata["finalizers"] = list(meta["finalizers"])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
