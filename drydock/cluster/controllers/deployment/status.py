"""The status of a Deployment: counters and the three conditions, with their recorded texts.

Invariant: a condition keeps its times while its status and reason stay; `Progressing` tells the
last progress, so its update time is what the deadline counts from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from drydock.cluster.controllers.deployment.rollout import Bounds
from drydock.cluster.controllers.meta import (
    compact,
    condition_of,
    moment_of,
    now,
    stamp,
    without_condition,
)
from drydock.cluster.errors import Obj

COMPLETE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
NO_DEADLINE = 2**31 - 1


def has_deadline(deployment: Obj) -> bool:
    """Tell whether the rollout is watched for progress."""
    return deployment["spec"].get("progressDeadlineSeconds") not in (None, NO_DEADLINE)


def condition(kind: str, status: str, reason: str, message: str) -> Obj:
    """Build a condition of this moment."""
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": stamp(),
        "lastTransitionTime": stamp(),
        "reason": reason,
        "message": message,
    }


def with_condition(conditions: Sequence[Obj], new: Obj) -> list[Obj]:
    """Return the conditions with one set; the same status and reason change nothing."""
    held = condition_of({"conditions": conditions}, new["type"])
    if held is not None and held["status"] == new["status"]:
        if held["reason"] == new["reason"]:
            return list(conditions)
        new = {**new, "lastTransitionTime": held["lastTransitionTime"]}
    return [*without_condition(conditions, new["type"]), new]


def progressing(status: str, reason: str, message: str) -> Obj:
    """Build a Progressing condition."""
    return condition("Progressing", status, reason, message)


def counted(deployment: Obj, sets: Sequence[Obj], new: Obj | None) -> Obj:
    """Return the counters and the Available condition."""
    held = deployment.get("status") or {}
    bounds = Bounds.of(deployment)
    asked = sum(one["spec"].get("replicas", 1) for one in sets)
    available = _sum(sets, "availableReplicas")
    status: Obj = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        **compact(
            {
                "replicas": _sum(sets, "replicas"),
                "updatedReplicas": _sum([new] if new else [], "replicas"),
                "readyReplicas": _sum(sets, "readyReplicas"),
                "availableReplicas": available,
                "unavailableReplicas": max(0, asked - available),
                "collisionCount": held.get("collisionCount"),
            }
        ),
        "terminatingReplicas": _sum(sets, "terminatingReplicas"),
    }
    enough = available >= bounds.floor
    verb, reason = ("has", "Available") if enough else ("does not have", "Unavailable")
    status["conditions"] = with_condition(
        held.get("conditions") or [],
        condition(
            "Available",
            "True" if enough else "False",
            f"MinimumReplicas{reason}",
            f"Deployment {verb} minimum availability.",
        ),
    )
    return status


def is_complete(deployment: Obj, status: Obj) -> bool:
    """Tell whether every replica is new and available, and no old one is left."""
    wanted = deployment["spec"].get("replicas", 1)
    counters = ("updatedReplicas", "replicas", "availableReplicas")
    return all(status.get(name, 0) == wanted for name in counters) and status.get(
        "observedGeneration", 0
    ) >= deployment["metadata"].get("generation", 1)


def has_moved(before: Obj, after: Obj) -> bool:
    """Tell whether one status is nearer to the end of the rollout than another."""

    def old(status: Obj) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    counters = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old(after) < old(before) or any(
        after.get(name, 0) > before.get(name, 0) for name in counters
    )


def seconds_left(deployment: Obj, status: Obj) -> float | None:
    """Return the seconds until the deadline, None when no deadline runs."""
    held = condition_of(status, "Progressing")
    if held is None or not has_deadline(deployment) or held["reason"] == COMPLETE:
        return None
    if held["reason"] == TIMED_OUT:
        return 0.0
    start = moment_of(held.get("lastUpdateTime"))
    limit = timedelta(seconds=deployment["spec"]["progressDeadlineSeconds"])
    return (start + limit - now()).total_seconds()


def judged(deployment: Obj, status: Obj, sets: Sequence[Obj], new: Obj | None) -> Obj:
    """Return the status with Progressing and ReplicaFailure."""
    before = deployment.get("status") or {}
    conditions = status["conditions"]
    held = condition_of(before, "Progressing")
    if not has_deadline(deployment):
        conditions = without_condition(conditions, "Progressing")
    elif not _is_settled(held, status):
        conditions = _progress(deployment, status, conditions, held, new)
    failure = _failure(sets, new)
    if failure is None:
        conditions = without_condition(conditions, "ReplicaFailure")
    else:
        conditions = with_condition(conditions, failure)
    return {**status, "conditions": conditions}


def _is_settled(held: Obj | None, status: Obj) -> bool:
    same = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return same and held is not None and held["reason"] == COMPLETE


def _progress(
    deployment: Obj, status: Obj, conditions: list[Obj], held: Obj | None, new: Obj | None
) -> list[Obj]:
    subject = f'Deployment "{deployment["metadata"]["name"]}"'
    if new is not None:
        subject = f'ReplicaSet "{new["metadata"]["name"]}"'
    if is_complete(deployment, status):
        text = f"{subject} has successfully progressed."
        return with_condition(conditions, progressing("True", COMPLETE, text))
    if has_moved(deployment.get("status") or {}, status):
        made = progressing("True", "ReplicaSetUpdated", f"{subject} is progressing.")
        if held is not None and held["status"] == "True":
            made["lastTransitionTime"] = held["lastTransitionTime"]
        return [*without_condition(conditions, "Progressing"), made]
    left = seconds_left(deployment, {"conditions": conditions})
    if left is not None and left <= 0:
        text = f"{subject} has timed out progressing."
        return with_condition(conditions, progressing("False", TIMED_OUT, text))
    return conditions


def _failure(sets: Sequence[Obj], new: Obj | None) -> Obj | None:
    """Return the failure of the new ReplicaSet, else of any other."""
    found = [
        (one is not new, problem)
        for one in sets
        if (problem := condition_of(one.get("status") or {}, "ReplicaFailure")) is not None
        and problem["status"] == "True"
    ]
    if not found:
        return None
    problem = min(found, key=lambda pair: pair[0])[1]
    made = condition("ReplicaFailure", "True", problem["reason"], problem["message"])
    made["lastTransitionTime"] = problem["lastTransitionTime"]
    return made


def _sum(sets: Sequence[Obj], name: str) -> int:
    return sum((one.get("status") or {}).get(name, 0) for one in sets)
