"""Which revision of a Deployment is the one to go back to: the last that a delivery saw working.

The Deployment itself remembers it, as the name of its replica set, in an annotation. So a delivery that
was killed in the middle leaves no doubt: what it was rolling out never got the mark, and is not taken
for a good state by the one that comes after it.
"""

from dataclasses import dataclass

from delivery.cluster import ApiError, Cluster, Obj
from delivery.follow import get, selector_of
from delivery.progress import say
from delivery.render import VERSION
from delivery.rollout import newest, owned, revision

GOOD = "shipyard.dev/good"
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
            found = get(cluster, namespace, name)
            current = newest(found, replica_sets(cluster, namespace, found)) if found else None
            if found is None or current is None or _mark(found) == current["metadata"]["name"]:
                continue
            path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
            marked = {"metadata": {"annotations": {GOOD: current["metadata"]["name"]}}}
            cluster.request("PATCH", path, marked)
        except ApiError as error:
            say(f"{name} could not be marked as good: {error}")


def without_earlier(cluster: Cluster, namespace: str, names: list[str]) -> list[str]:
    """List the Deployments that have no revision before the present one, or are not there."""
    lacking = []
    for name in names:
        found = get(cluster, namespace, name)
        if found is None or len(replica_sets(cluster, namespace, found)) <= 1:
            lacking.append(name)
    return lacking


def _before(cluster: Cluster, namespace: str, deployment: Obj | None) -> Before:
    if deployment is None:
        return Before("", {})
    mark = _mark(deployment)
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


def _mark(deployment: Obj) -> str:
    return str(deployment["metadata"].get("annotations", {}).get(GOOD, ""))
