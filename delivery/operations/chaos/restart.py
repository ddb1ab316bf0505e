"""An update of every service at once, and the way back, by an annotation on the pods' template.

What is running is brought up anew next to itself, as a release would be, then the template is put back as it
was. The replica set in between is deleted, so that `rollback` goes where it went before.
"""

import time
from collections.abc import Iterable

from delivery.cluster import CONFLICT, NOT_FOUND, ApiError, Cluster, Obj
from delivery.follow import LOOK_SECONDS, get
from delivery.operations.chaos.lab import MANAGER, NOTE, Lab, NotMade
from delivery.operations.chaos.outcome import Notes
from delivery.preflight import allowed
from delivery.progress import say
from delivery.revisions import replica_sets

TRIES = 10
RIGHTS = (("patch", "apps", "deployments"), ("delete", "apps", "replicasets"))


def restart(lab: Lab, notes: Notes, deadline: float) -> None:
    """Bring all pods up anew, then once more as they were."""
    for verb, group, resource in RIGHTS:
        if not allowed(lab.cluster, lab.namespace, (verb, group, resource)):
            raise NotMade(f"no right to {verb} {resource} in {lab.namespace}")
    try:
        for target in lab.targets:
            _note(lab.cluster, lab.namespace, target.deployment, lab.namespace)
            notes.did(target.service, "updated")
        say("chaos: every service is updated at once")
        _until_whole(lab, notes, deadline, "updated")
    finally:
        put_all_back(lab.cluster, lab.namespace, [each.deployment for each in lab.targets])
    say("chaos: and back")
    _until_whole(lab, notes, deadline, "put back")
    for target in lab.targets:
        forget(lab.cluster, lab.namespace, target.deployment)
        if target.service not in notes.problems:
            notes.did(target.service, "and back")


def put_all_back(cluster: Cluster, namespace: str, deployments: Iterable[str]) -> list[str]:
    """Take the annotation away where it is, and name these; one that refuses holds up none. Raise ApiError."""
    back, refused = list[str](), list[ApiError]()
    for name in deployments:
        try:
            found = get(cluster, namespace, name)
            if found is not None and NOTE in _notes(found):
                _note(cluster, namespace, name, None)
                back.append(name)
        except ApiError as error:
            say(f"chaos: {name} could not be put back, the next run of chaos does it: {error}")
            refused.append(error)
    if refused:
        raise refused[0]
    return back


def forget(cluster: Cluster, namespace: str, deployment: str) -> None:
    """Delete the replica sets that only an experiment had; one that still has pods stays for the next run."""
    found = get(cluster, namespace, deployment)
    for each in replica_sets(cluster, namespace, found) if found else ():
        if NOTE not in _notes(each) or each["spec"].get("replicas"):
            continue
        metadata = each["metadata"]
        path = f"/apis/apps/v1/namespaces/{namespace}/replicasets/{metadata['name']}"
        held = {"preconditions": {"uid": metadata["uid"]}}
        try:
            cluster.request("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **held})
        except ApiError as error:
            if error.status not in (NOT_FOUND, CONFLICT):
                raise


def _until_whole(lab: Lab, notes: Notes, deadline: float, what: str) -> None:
    """Wait for all; an update that does not end in time is a finding about each service that lags."""
    for target in lab.targets:
        left = max(deadline - time.monotonic(), lab.plan.rollout_seconds)
        missing = lab.whole((target,), left)
        if missing:
            notes.problems.setdefault(target.service, f"not {what} in time: {missing}")


def _note(cluster: Cluster, namespace: str, deployment: str, value: str | None) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}"
    template = {"metadata": {"annotations": {NOTE: value}}}
    body: Obj = {"spec": {"template": template}}
    for left in reversed(range(TRIES)):
        try:
            cluster.request("PATCH", f"{path}?fieldManager={MANAGER}", body)
        except ApiError as error:
            if error.status != CONFLICT or not left:
                raise
            time.sleep(LOOK_SECONDS)
        else:
            return


def _notes(obj: Obj) -> Obj:
    """Give the annotations of the pods that an object describes."""
    return (obj["spec"]["template"].get("metadata") or {}).get("annotations") or {}
