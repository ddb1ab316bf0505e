"""A node that is emptied: cordoned, this environment's pods on it evicted, and uncordoned again.

Pods of other namespaces are never touched. It takes rights on nodes, which a team often has not, and a second
node that pods can go to; where either is missing the experiment is not made, and says so.
"""

from delivery.cluster import CONFLICT, FORBIDDEN, ApiError, Cluster, Obj
from delivery.operations.chaos.lab import MANAGER, NOTE, Lab, NotMade, Target
from delivery.operations.chaos.outcome import Notes
from delivery.operations.chaos.pod_kill import evicted
from delivery.preflight import allowed
from delivery.progress import say

NODES = "/api/v1/nodes"
TRIES = 10
REPELLING = frozenset({"NoSchedule", "NoExecute"})


def drain(lab: Lab, notes: Notes, deadline: float) -> None:
    """Empty one node of this environment's pods."""
    for verb in ("list", "patch"):
        if not allowed(lab.cluster, "", (verb, "", "nodes")):
            raise NotMade(f"no right to {verb} nodes; that is the cluster administrators' to give")
    if not allowed(lab.cluster, lab.namespace, ("create", "", "pods/eviction")):
        raise NotMade(f"no right to create pods/eviction in {lab.namespace}")
    usable = [each for each in lab.cluster.items(NODES) if _takes_pods(each)]
    if len(usable) < 2:
        raise NotMade("pods would have nowhere to go: only one node takes pods")
    pods = {target: lab.pods(target) for target in lab.targets}
    names = {node["metadata"]["name"] for node in usable}
    hosts = sorted(
        {pod["spec"]["nodeName"] for found in pods.values() for pod in found}.intersection(names)
    )
    if not hosts:
        raise NotMade("no pod of this environment is on a node that takes pods")
    host = lab.chance.choice(hosts)
    node = next(each for each in usable if each["metadata"]["name"] == host)
    try:
        _cordon(lab, node)
        _empty(lab, notes, host, pods, deadline)
    finally:
        uncordon(lab.cluster, lab.namespace, host)
    missing = {each: lab.whole((each,), lab.plan.rollout_seconds) for each in lab.targets}
    for target, told in missing.items():
        if told:
            notes.problems.setdefault(target.service, f"not whole again: {told}")


def uncordon(cluster: Cluster, namespace: str, name: str) -> bool:
    """Let a node take pods again, if chaos in this namespace cordoned it; tell whether it had."""
    for left in reversed(range(TRIES)):
        found = cluster.find(f"{NODES}/{name}")
        if found is None or (found["metadata"].get("annotations") or {}).get(NOTE) != namespace:
            return False
        try:
            _patch(cluster, found, unschedulable=None, note=None)
        except ApiError as error:
            if error.status != CONFLICT or not left:
                raise
            continue
        say(f"chaos: uncordoned {name}")
        return True
    raise AssertionError


def cordoned(cluster: Cluster, namespace: str) -> list[str]:
    """Name the nodes that chaos in this namespace left cordoned; none when nodes are not ours to list."""
    try:
        nodes = cluster.items(NODES)
    except ApiError as error:
        if error.status == FORBIDDEN:
            return []
        raise
    marked = [each for each in nodes if _note_of(each) == namespace]
    return [each["metadata"]["name"] for each in marked]


def _cordon(lab: Lab, node: Obj) -> None:
    """Cordon and mark in one write, so that a killed run leaves no node that nobody knows of."""
    try:
        _patch(lab.cluster, node, unschedulable=True, note=lab.namespace)
    except ApiError as error:
        if error.status == CONFLICT:
            told = f"somebody else changed node {node['metadata']['name']} just now; try again"
            raise NotMade(told) from error
        raise
    say(f"chaos: cordoned {node['metadata']['name']}")


def _empty(
    lab: Lab, notes: Notes, host: str, pods: dict[Target, list[Obj]], deadline: float
) -> None:
    for target, found in pods.items():
        here = [pod for pod in found if pod["spec"]["nodeName"] == host]
        if not here:
            notes.skipped[target.service] = f"no pod of it was on {host}"
        for pod in here:
            refusal = evicted(lab, pod, deadline)
            if refusal:
                notes.skipped[target.service] = f"its disruption budget says no: {refusal}"
                break
            notes.did(target.service, f"a pod evicted from {host}")
            missing = lab.whole((target,), lab.plan.rollout_seconds)
            if missing:
                notes.problems[target.service] = f"not whole on the other nodes: {missing}"
                break


def _patch(cluster: Cluster, node: Obj, *, unschedulable: bool | None, note: str | None) -> None:
    metadata = node["metadata"]
    version = metadata["resourceVersion"]
    body = {
        "metadata": {"resourceVersion": version, "annotations": {NOTE: note}},
        "spec": {"unschedulable": unschedulable},
    }
    cluster.request("PATCH", f"{NODES}/{metadata['name']}?fieldManager={MANAGER}", body)


def _takes_pods(node: Obj) -> bool:
    spec, status = node.get("spec") or {}, node.get("status") or {}
    ready = any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in status.get("conditions") or ()
    )
    repels = any(each.get("effect") in REPELLING for each in spec.get("taints") or ())
    return ready and not repels and not spec.get("unschedulable")


def _note_of(node: Obj) -> str:
    return str((node["metadata"].get("annotations") or {}).get(NOTE, ""))
