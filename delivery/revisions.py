"""Which revision of a Deployment is the one to go back to: the last that a delivery saw working.

The Deployment itself remembers it, as the name of its replica set, in an annotation, and beside it the
good one before. So a delivery that was killed in the middle leaves no doubt: what it was rolling out
never got the mark, and is not taken for a good state by the one that comes after it.
"""

from dataclasses import dataclass
from functools import partial

from delivery.cluster import ApiError, Cluster, Obj
from delivery.follow import get, patiently, selector_of
from delivery.progress import say
from delivery.render import VERSION
from delivery.rollout import newest, owned, revision

GOOD, EARLIER = "shipyard.dev/good", "shipyard.dev/good-before"
"""The replica set that works, and the one before it; the latter empty once somebody went back to it."""
HASH = "pod-template-hash"


@dataclass(frozen=True)
class Before:
    """Where to go back to: a revision, and the pods it describes; both empty when there is none."""

    revision: str
    template: Obj


def snapshot(cluster: Cluster, namespace: str, names: list[str]) -> dict[str, Before]:
    """Find for each Deployment what to go back to, before it is changed."""
    return {name: _before(cluster, namespace, get(cluster, namespace, name)) for name in names}


def remember(cluster: Cluster, namespace: str, names: list[str]) -> None:
    """Mark what runs now as good; a cluster that does not take the mark spoils no good release."""
    for name in names:
        try:
            found = patiently(partial(get, cluster, namespace, name))
            current = newest(found, replica_sets(cluster, namespace, found)) if found else None
            if (
                found is None
                or current is None
                or _note(found, GOOD) == current["metadata"]["name"]
            ):
                continue
            _mark(cluster, namespace, name, current, _note(found, GOOD))
        except ApiError as error:
            say(f"{name} could not be marked as good: {error}")


def remember_return(cluster: Cluster, namespace: str, name: str, target: Obj) -> None:
    """Mark what somebody went back to: from there nobody goes back any further."""
    try:
        _mark(cluster, namespace, name, target, "", nowhere=True)
    except ApiError as error:
        say(f"{name} could not be marked as gone back: {error}")


def earlier(cluster: Cluster, namespace: str, name: str) -> Obj | None:
    """Find the replica set that a rollback leads to.

    It is the good one, if something else is there now, else the good one before it; where the first
    delivery found something of others, it is that. What never worked is none, nor is what was left by going
    back: kubectl brings back the notes of a revision with it, so they are as they were then, or are cleared.
    """
    found = get(cluster, namespace, name)
    if found is None:
        return None
    sets = replica_sets(cluster, namespace, found)
    current = newest(found, sets)
    good, marked = _note(found, GOOD), EARLIER in (found["metadata"].get("annotations") or {})
    if good and current and (marked or good != current["metadata"]["name"]):
        wanted = _note(found, EARLIER) if good == current["metadata"]["name"] else good
        return next((one for one in sets if one["metadata"]["name"] == wanted), None)
    others = [one for one in sets if not _note(one, VERSION) and _number(one) < _number(found)]
    return max(others, key=_number, default=None)


def _before(cluster: Cluster, namespace: str, deployment: Obj | None) -> Before:
    if deployment is None:
        return Before("", {})
    mark = _note(deployment, GOOD)
    for replica_set in replica_sets(cluster, namespace, deployment) if mark else ():
        if replica_set["metadata"]["name"] == mark:
            return Before(revision(replica_set), template_of(replica_set))
    if mark or VERSION not in deployment["metadata"].get("annotations", {}):
        # Not ours until now, or its history is gone: what is there is the best there is.
        return Before(revision(deployment), template_of(deployment))
    return Before("", {})


def template_of(owner: Obj) -> Obj:
    """Give the pods that a Deployment or a replica set describes, without the latter's own label."""
    template: Obj = owner["spec"]["template"]
    metadata = template.get("metadata", {})
    labels = {key: value for key, value in metadata.get("labels", {}).items() if key != HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}


def replica_sets(cluster: Cluster, namespace: str, deployment: Obj) -> list[Obj]:
    """List the replica sets of a Deployment, its revisions."""
    path = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
    uid = deployment["metadata"].get("uid")
    found = cluster.items(path, selector_of(deployment))
    return [replica_set for replica_set in found if owned(replica_set, uid)]


def _note(obj: Obj, key: str) -> str:
    return str((obj["metadata"].get("annotations") or {}).get(key, ""))


def _number(owner: Obj) -> int:
    return int(revision(owner) or 0)


def _mark(
    cluster: Cluster, namespace: str, name: str, good: Obj, before: str, *, nowhere: bool = False
) -> None:
    notes = {GOOD: good["metadata"]["name"]}
    if before or nowhere:
        notes[EARLIER] = before
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    cluster.request("PATCH", path, {"metadata": {"annotations": notes}})
