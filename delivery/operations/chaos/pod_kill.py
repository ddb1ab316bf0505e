"""Pods that go: first asked out, as a node that is emptied does, then deleted, one service after the other.

A pod is only ever taken from a service that is whole. An eviction asks the disruption budget; where the budget
says no, the pod is left alone, because that is what its owner wants.
"""

import time

from delivery.cluster import NOT_FOUND, TOO_MANY, ApiError, Obj
from delivery.follow import LOOK_SECONDS
from delivery.operations.chaos.lab import Lab, NotMade, Target
from delivery.operations.chaos.outcome import Notes
from delivery.preflight import allowed
from delivery.progress import say

BUDGET_SECONDS = 10.0
"""How long a disruption budget may say no; one that allows anything says yes again soon."""


def pod_kill(lab: Lab, notes: Notes, deadline: float) -> None:
    """Evict and delete a pod of each service, once at least while there is time."""
    for verb, resource in (("delete", "pods"), ("create", "pods/eviction")):
        if not allowed(lab.cluster, lab.namespace, (verb, "", resource)):
            raise NotMade(f"no right to {verb} {resource} in {lab.namespace}")
    order = list(lab.targets)
    lab.chance.shuffle(order)
    for target in order:
        if time.monotonic() > deadline:
            return
        _of(lab, target, notes, deadline)


def evicted(lab: Lab, pod: Obj, deadline: float) -> str:
    """Ask a pod out; return why it may not go, empty when it does. Raise ApiError."""
    name = pod["metadata"]["name"]
    path = f"/api/v1/namespaces/{lab.namespace}/pods/{name}/eviction"
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": lab.namespace},
    }
    last = min(deadline, time.monotonic() + BUDGET_SECONDS)
    while True:
        lab.alive()
        try:
            lab.cluster.request("POST", path, body)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return ""
            if error.status != TOO_MANY:
                raise
            if time.monotonic() > last:
                return str(error)
            time.sleep(LOOK_SECONDS)
            continue
        say(f"chaos: evicted {name}")
        return ""


def _of(lab: Lab, target: Target, notes: Notes, deadline: float) -> None:
    for way in (_evict, _delete):
        pods = lab.pods(target)
        if not pods or time.monotonic() > deadline:
            return
        refusal = way(lab, lab.chance.choice(pods), deadline)
        if refusal:
            notes.skipped[target.service] = f"its disruption budget says no: {refusal}"
            return
        notes.did(target.service, "a pod evicted" if way is _evict else "a pod deleted")
        missing = lab.whole((target,), lab.plan.rollout_seconds)
        if missing:
            notes.problems[target.service] = f"not whole again: {missing}"
            return


def _evict(lab: Lab, pod: Obj, deadline: float) -> str:
    return evicted(lab, pod, deadline)


def _delete(lab: Lab, pod: Obj, _deadline: float) -> str:
    name = pod["metadata"]["name"]
    try:
        lab.cluster.request("DELETE", f"/api/v1/namespaces/{lab.namespace}/pods/{name}")
    except ApiError as error:
        if error.status != NOT_FOUND:
            raise
    say(f"chaos: deleted {name}")
    return ""
