"""Revisions of a Deployment: which ReplicaSet is the current one, and the numbers they carry.

Invariant: the current template's ReplicaSet has the highest number; going back to an old template
gives its ReplicaSet a new number and keeps the old one in its history.
"""

from __future__ import annotations

from collections.abc import Iterable

from drydock.cluster.controllers.deployment.rollout import Bounds
from drydock.cluster.controllers.meta import annotations_of, created, owner_reference
from drydock.cluster.controllers.template import (
    HASH_LABEL,
    labelled,
    same_template,
    template_hash,
)
from drydock.cluster.errors import Obj

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
CEILING = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    HISTORY,
    DESIRED,
    CEILING,
}
HISTORY_LIMIT = 2000


def revision_of(obj: Obj) -> int:
    """Return the revision number, 0 when there is none."""
    text = annotations_of(obj).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def oldest_first(sets: Iterable[Obj]) -> list[Obj]:
    """Sort ReplicaSets by creation, then name."""
    return sorted(sets, key=lambda one: (created(one), one["metadata"]["name"]))


def current_of(deployment: Obj, sets: Iterable[Obj]) -> Obj | None:
    """Return the (oldest) ReplicaSet of the Deployment's present template."""
    wanted = deployment["spec"]["template"]
    for one in oldest_first(sets):
        if same_template(one["spec"]["template"], wanted):
            return one
    return None


def annotated(deployment: Obj, replica_set: Obj, revision: int) -> dict[str, str]:
    """Return the annotations that the current ReplicaSet should carry."""
    notes = dict(annotations_of(replica_set))
    given = annotations_of(deployment).items()
    notes.update({name: value for name, value in given if name not in _NOT_COPIED})
    before = notes.get(REVISION)
    if revision_of(replica_set) < revision:
        notes[REVISION] = str(revision)
        if before:
            past = [*filter(None, notes.get(HISTORY, "").split(",")), before]
            while len(",".join(past)) > HISTORY_LIMIT:
                past.pop(0)
            notes[HISTORY] = ",".join(past)
    return notes


def sized(notes: dict[str, str], bounds: Bounds) -> dict[str, str]:
    """Return annotations that name the bounds for which a size was chosen."""
    return {**notes, DESIRED: str(bounds.replicas), CEILING: str(bounds.ceiling)}


def ceiling_of(replica_set: Obj, default: int) -> int:
    """Return the ceiling for which the ReplicaSet's size was chosen."""
    text = annotations_of(replica_set).get(CEILING, "")
    return int(text) if text.isdigit() else default


def replica_set_for(deployment: Obj, revision: int) -> Obj:
    """Build the ReplicaSet of the present template, without replicas yet."""
    meta, spec = deployment["metadata"], deployment["spec"]
    collisions = (deployment.get("status") or {}).get("collisionCount")
    short = template_hash(spec["template"], collisions)
    template = labelled(spec["template"], HASH_LABEL, short)
    selector = spec["selector"]
    labels = {**(selector.get("matchLabels") or {}), HASH_LABEL: short}
    made: Obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{short}",
            "namespace": meta["namespace"],
            "labels": dict(template["metadata"]["labels"]),
            "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
        },
        "spec": {
            "replicas": 0,
            "selector": {**selector, "matchLabels": labels},
            "template": template,
        },
    }
    if spec.get("minReadySeconds"):
        made["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    made["metadata"]["annotations"] = annotated(deployment, made, revision)
    return made
