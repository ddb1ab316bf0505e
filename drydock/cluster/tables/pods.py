"""The row of a pod: readiness, the word for its state, restarts."""

from __future__ import annotations

from drydock.cluster.errors import Json, Obj
from drydock.cluster.tables.columns import NONE, age

HEADINGS = (
    "Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*", "Nominated Node*",
    "Readiness Gates*",
)  # fmt: skip


def cells(pod: Obj) -> list[Json]:
    """Return the cells of a pod."""
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    ready, total, restarts, last = _count(spec, status)
    when = f" ({age(last)} ago)" if restarts and last else ""
    gates = spec.get("readinessGates") or ()
    met = {c["type"] for c in status.get("conditions") or () if c["status"] == "True"}
    done = sum(1 for gate in gates if gate["conditionType"] in met)
    return [
        meta["name"],
        f"{ready}/{total}",
        reason(pod),
        f"{restarts}{when}",
        age(meta.get("creationTimestamp")),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        f"{done}/{len(gates)}" if gates else NONE,
    ]


def pod_conditions(pod: Obj) -> list[Obj]:
    """Mark rows of finished pods, which kubectl may leave out."""
    phase = (pod.get("status") or {}).get("phase")
    if phase == "Succeeded":
        text = "The pod has completed successfully."
        return [{"type": "Completed", "status": "True", "reason": "Succeeded", "message": text}]
    if phase == "Failed":
        text = "The pod failed."
        return [{"type": "Completed", "status": "True", "reason": "Failed", "message": text}]
    return []


def reason(pod: Obj) -> str:
    """Return the one word that says how a pod is."""
    status = pod.get("status") or {}
    word = str(status.get("reason") or status.get("phase") or "")
    gated = any(
        c["type"] == "PodScheduled" and c.get("reason") == "SchedulingGated"
        for c in status.get("conditions") or ()
    )
    if gated:
        word = "SchedulingGated"
    word = _initializing(pod) or _running(status, word)
    if "deletionTimestamp" in pod["metadata"]:
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if status.get("phase") not in ("Succeeded", "Failed"):
            return "Terminating"
    return word


def _initializing(pod: Obj) -> str:
    spec, status = pod["spec"], pod.get("status") or {}
    kinds = {c["name"]: c.get("restartPolicy") for c in spec.get("initContainers") or ()}
    for at, one in enumerate(status.get("initContainerStatuses") or ()):
        state = one.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended and ended.get("exitCode") == 0:
            continue
        if kinds.get(one["name"]) == "Always" and one.get("started"):
            continue
        if ended:
            return f"Init:{_ended(ended)}"
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{at}/{len(kinds)}"
    return ""


def _running(status: Obj, word: str) -> str:
    has_running = False
    for one in reversed(status.get("containerStatuses") or ()):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            word = waiting["reason"]
        elif ended:
            word = _ended(ended)
        elif one.get("ready") and "running" in state:
            has_running = True
    if word == "Completed" and has_running:
        ready = any(
            c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ()
        )
        word = "Running" if ready else "NotReady"
    return word


def _ended(state: Obj) -> str:
    if state.get("reason"):
        return str(state["reason"])
    if state.get("signal"):
        return f"Signal:{state['signal']}"
    return f"ExitCode:{state.get('exitCode', 0)}"


def _count(spec: Obj, status: Obj) -> tuple[int, int, int, str]:
    total = len(spec.get("containers") or ())
    ready = restarts = 0
    last = ""
    sidecars = {
        c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"
    }
    total += len(sidecars)
    found = [
        *(status.get("containerStatuses") or ()),
        *(s for s in status.get("initContainerStatuses") or () if s["name"] in sidecars),
    ]
    for one in found:
        restarts += one.get("restartCount", 0)
        ended = (one.get("lastState") or {}).get("terminated") or {}
        last = max(last, ended.get("finishedAt") or "")
        if one.get("ready") and "running" in (one.get("state") or {}):
            ready += 1
    return ready, total, restarts, last
