"""Indexed completion of Jobs: which indexes are done, which come next, and the pods that carry them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from drydock.cluster.controllers.meta import annotations_of, key_of, owner_reference
from drydock.cluster.controllers.pods import pod_from
from drydock.cluster.errors import Obj

INDEX = "batch.kubernetes.io/job-completion-index"
VARIABLE = "JOB_COMPLETION_INDEX"


def completed_indexes(status: Obj) -> set[int]:
    """Read `0,1,3-5`."""
    found: set[int] = set()
    for part in filter(None, (status.get("completedIndexes") or "").split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def render_indexes(indexes: Iterable[int]) -> str:
    """Write indexes as a server does: runs of three and more as ranges."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    parts = [
        f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(str(index) for index in run)
        for run in runs
    ]
    return ",".join(parts)


def index_of(pod: Obj) -> int:
    """Return the index that a pod works on."""
    return int(annotations_of(pod).get(INDEX, "0"))


def missing_indexes(job: Obj, status: Obj, active: Sequence[Obj]) -> list[int]:
    """Return the indexes without a pod and without a success; empty for a Job that is not indexed."""
    if job["spec"].get("completionMode") != "Indexed":
        return []
    taken = completed_indexes(status) | {index_of(pod) for pod in active}
    return [index for index in range(job["spec"]["completions"]) if index not in taken]


def pod_for(job: Obj, index: int | None, *, finalizer: str) -> Obj:
    """Build the next pod of a Job."""
    namespace, name = key_of(job)
    owner = owner_reference(job, "batch/v1", "Job")
    pod = pod_from(copy.deepcopy(job["spec"]["template"]), namespace=namespace, owner=owner)
    meta = pod["metadata"]
    meta["finalizers"] = [*meta.get("finalizers", []), finalizer]
    if index is None:
        return pod
    meta["generateName"] = f"{name}-{index}-"
    meta["annotations"] = {**meta.get("annotations", {}), INDEX: str(index)}
    meta["labels"] = {**meta["labels"], INDEX: str(index)}
    spec = pod["spec"]
    spec["hostname"] = f"{name}-{index}"
    source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        known = {one["name"] for one in container.get("env") or []}
        if VARIABLE not in known:
            made = {"name": VARIABLE, "valueFrom": source}
            container["env"] = [*(container.get("env") or []), made]
    return pod
