"""Is a rollout done, on its way, or hopeless? Judged from the objects alone, without waiting.

`judge` follows `kubectl rollout status` for the good end. What it adds is giving up in seconds when
the new pods cannot come up: waiting longer would change nothing. What may pass gets some patience: nodes
on their way, room that ending pods still take, a registry that is away for a moment.
"""

import re
from dataclasses import dataclass

from delivery.cluster import Obj

REVISION = "deployment.kubernetes.io/revision"
HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PostStartHookError",
    }
)
CRASHES = 2
"""Restarts of a new container after which it is taken for crashing; one may be bad luck."""
UNSCHEDULABLE_SECONDS = 10.0
"""How long a pod may find no node; a full cluster does not get better."""
NODE_SECONDS = "shipyard.dev/node-seconds"
"""Annotation of a Deployment: the same in seconds where an autoscaler brings nodes, which takes it a while."""
GRACE_SECONDS = 30.0
"""Kubernetes' default for pods to end; until then they count in a quota."""
COUNTED_SECONDS = 10.0
"""After that: until the quota is counted anew and the replica set's controller has tried again."""
PULL_SECONDS = 15.0
"""Longer than the kubelet's first pause between two pulls, shorter than its second."""
_QUOTA = re.compile(r"exceeded quota: [^,]+")
_MAY_PASS = re.compile(
    r"time-?out|timed out|connection re(?:fused|set)|temporary failure|unexpected EOF"
    r"|too ?many ?requests|\b(?:429|50[0234])\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Trouble:
    """Why a rollout cannot succeed; `patience` in seconds until that is taken for true."""

    reason: str
    pod: str = ""
    patience: float = 0.0


@dataclass(frozen=True)
class Progress:
    """Where a rollout is."""

    done: bool
    message: str
    trouble: Trouble | None = None


def revision(deployment: Obj) -> str:
    """Tell a Deployment's revision; empty before its controller has seen it."""
    return str(deployment["metadata"].get("annotations", {}).get(REVISION, ""))


def judge(deployment: Obj, replica_sets: list[Obj], pods: list[Obj]) -> Progress:
    """Judge a Deployment by its replica sets and pods."""
    name = deployment["metadata"]["name"]
    status = deployment.get("status", {})
    wanted = deployment["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return Progress(done=False, message=f"{name}: waiting for the controller")
    current = newest(deployment, replica_sets)
    trouble = _condition(deployment) or (_trouble(deployment, current, pods) if current else None)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    old = status.get("replicas", 0) - updated
    if updated < wanted:
        message = f"{name}: {updated} of {wanted} pods are new"
    elif old > 0:
        message = f"{name}: {old} old pods are ending"
    elif available < updated:
        message = f"{name}: {available} of {updated} pods are ready"
    else:
        return Progress(done=True, message=f"{name}: {available} of {wanted} pods are ready")
    return Progress(done=False, message=message, trouble=trouble)


def newest(deployment: Obj, replica_sets: list[Obj]) -> Obj | None:
    """Find the replica set of a Deployment's present revision."""
    uid, wanted = deployment["metadata"].get("uid"), revision(deployment)
    for replica_set in replica_sets:
        if owned(replica_set, uid) and revision(replica_set) == wanted:
            return replica_set
    return None


def node_seconds(deployment: Obj) -> float:
    """Tell how long the pods of a Deployment may find no node; raise ValueError when its note is no number."""
    noted = (deployment["metadata"].get("annotations") or {}).get(NODE_SECONDS)
    if noted is None:
        return UNSCHEDULABLE_SECONDS
    seconds = float(noted) if re.fullmatch(r"\d+(\.\d+)?", str(noted)) else 0.0
    if not seconds:
        name = deployment["metadata"]["name"]
        raise ValueError(
            f'{name}: annotation {NODE_SECONDS} is {noted!r}, not seconds such as "120"'
        )
    return seconds


def _condition(deployment: Obj) -> Trouble | None:
    for condition in deployment.get("status", {}).get("conditions", []):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return _not_made(deployment, condition)
        if condition.get("reason") == "ProgressDeadlineExceeded":
            return Trouble(f"ProgressDeadlineExceeded: {condition.get('message', '')}")
    return None


def _not_made(deployment: Obj, condition: Obj) -> Trouble:
    """Say why pods are not made. A quota counts pods that are still ending; nothing else gets better."""
    reason, message = condition.get("reason", ""), condition.get("message", "")
    full = _QUOTA.search(message)
    if full is None:
        return Trouble(f"{reason}: {message}")
    pod = deployment["spec"].get("template", {}).get("spec", {})
    grace = pod.get("terminationGracePeriodSeconds", GRACE_SECONDS)
    # The whole message names another pod each time, and would be another trouble.
    return Trouble(f"{reason}: {full[0]}", patience=float(grace) + COUNTED_SECONDS)


def _trouble(deployment: Obj, replica_set: Obj, pods: list[Obj]) -> Trouble | None:
    for condition in replica_set.get("status", {}).get("conditions", []):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return _not_made(deployment, condition)
    try:
        patience = node_seconds(deployment)
    except ValueError:
        # Refused before anything is applied; this one was written by hand since.
        patience = UNSCHEDULABLE_SECONDS
    uid = replica_set["metadata"].get("uid")
    found = [_pod_trouble(pod, patience) for pod in pods if owned(pod, uid)]
    return min((one for one in found if one), key=lambda one: one.patience, default=None)


def _pod_trouble(pod: Obj, node_patience: float) -> Trouble | None:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    containers = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    for container in containers:
        waiting = container.get("state", {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason in HOPELESS:
            detail = waiting.get("message", "")
            passing = reason == "ImagePullBackOff" and _MAY_PASS.search(detail)
            patience = PULL_SECONDS if passing else 0.0
            return Trouble(f"{reason}: {detail}".rstrip(": "), name, patience)
        ended = container.get("lastState", {}).get("terminated") or {}
        if container.get("restartCount", 0) >= CRASHES and not container.get("ready"):
            code = ended.get("exitCode", "unknown")
            return Trouble(f"{container['name']} keeps ending, last with exit code {code}", name)
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            detail = condition.get("message", "")
            return Trouble(f"Unschedulable: {detail}", name, node_patience)
    return None


def owned(obj: Obj, uid: object) -> bool:
    """Tell whether an object belongs to another."""
    return any(owner.get("uid") == uid for owner in obj["metadata"].get("ownerReferences", []))
