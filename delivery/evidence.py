"""Evidence: events, descriptions and logs of what failed, taken before anything is cleaned up."""

from delivery.censor import censored
from delivery.cluster import ApiError, Cluster, KubectlError, Obj
from delivery.follow import get, selector_of
from delivery.progress import say
from delivery.revisions import replica_sets
from delivery.rollout import newest, owned

PODS = 2
LOG_LINES = 60
EVENTS = 25


def collect(cluster: Cluster, namespace: str, deployment: str, pod: str = "") -> None:
    """Show why a Deployment fails; what cannot be had is said so and holds up nothing."""
    say(f"=== evidence: {deployment} in {namespace}")
    try:
        found = get(cluster, namespace, deployment)
        current = newest(found, replica_sets(cluster, namespace, found)) if found else None
        names = _pods(cluster, namespace, found, current, pod) if found else []
    except ApiError as error:
        say(f"(no pods: {error})")
        return
    _events(cluster, namespace, deployment, current["metadata"]["name"] if current else deployment)
    shown: set[str] = set()
    if names:
        describe = ("describe", "pod", names[0], "-n", namespace, "--show-events=false")
        _show(cluster, shown, f"describe pod {names[0]}", *describe)
    for name in names:
        logs = ("logs", name, "-n", namespace, "--all-containers", f"--tail={LOG_LINES}")
        _show(cluster, shown, f"logs of {name}", *logs)
        _show(cluster, shown, f"logs of {name} before it was restarted", *logs, "--previous")
    say("=== end of evidence")


def _pods(
    cluster: Cluster, namespace: str, deployment: Obj, current: Obj | None, first: str
) -> list[str]:
    """Choose whose pods to show: the one in trouble, those that are not ready, those of the new revision.

    A release that a gate stopped has ready pods only, and they know why it did.
    """
    pods = cluster.items(f"/api/v1/namespaces/{namespace}/pods", selector_of(deployment))
    uid = current["metadata"].get("uid") if current else None
    pods.sort(key=lambda pod: (_ready(pod), not (uid and owned(pod, uid))))
    names = [
        pod["metadata"]["name"] for pod in pods if not _ready(pod) or (uid and owned(pod, uid))
    ]
    return [*[name for name in names if name == first], *[n for n in names if n != first]][:PODS]


def _ready(pod: Obj) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _events(cluster: Cluster, namespace: str, deployment: str, replica_set: str) -> None:
    """Show the events of a Deployment and of its newest replica set with its pods."""
    try:
        events = cluster.items(f"/api/v1/namespaces/{namespace}/events")
    except ApiError as error:
        say(f"(no events: {error})")
        return
    ours = [
        each
        for each in events
        if _about(each) == deployment or _about(each).startswith(replica_set)
    ]
    ours.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    say("--- events")
    for event in ours[-EVENTS:]:
        kind, reason = event.get("type", ""), event.get("reason", "")
        message = censored(str(event.get("message", "")))
        say(f"{kind:<8} {reason:<20} {_about(event)}: {message}")


def _about(event: Obj) -> str:
    return str((event.get("involvedObject") or {}).get("name", ""))


def _show(cluster: Cluster, shown: set[str], title: str, *args: str) -> None:
    """Show what kubectl says; pods that fail alike say the same, which is shown once."""
    say(f"--- {title}")
    try:
        text = censored(cluster.kubectl(*args).strip()) or "(nothing)"
    except KubectlError as error:
        text = f"({error})"
    say("(the same as above)" if text in shown else text)
    shown.add(text)
