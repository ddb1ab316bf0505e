"""The status of a pod, made of the states of its containers.

Pure: the kubelet's pod calls it after every change. Invariant: a condition keeps its transition time
while its status stays, and conditions that others wrote are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drydock.cluster.controllers.meta import condition_of, stamp
from drydock.cluster.errors import Obj

OWN = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


@dataclass
class ContainerStatus:
    """What the kubelet knows of one container."""

    name: str
    image: str
    image_id: str = ""
    container_id: str = ""
    state: Obj = field(default_factory=lambda: {"waiting": {"reason": "PodInitializing"}})
    last_state: Obj = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    over: bool = False
    """Ended, and not to be restarted."""
    init: bool = False
    """An init container, which is ready when it has done its work."""

    @property
    def exit_code(self) -> int | None:
        """Return the exit code of a container that has ended."""
        ended = self.state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    def shown(self) -> Obj:
        """Return the entry of `containerStatuses`."""
        made: Obj = {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.ready or (self.init and self.over and self.exit_code == 0),
            "started": self.started,
            "restartCount": self.restarts,
        }
        return {**made, "containerID": self.container_id} if self.container_id else made


@dataclass(frozen=True)
class PodState:
    """What a status is made of, besides the pod object itself."""

    init: Sequence[ContainerStatus]
    main: Sequence[ContainerStatus]
    address: str
    host: str
    started_at: str
    going: bool = False
    failure: tuple[str, str] | None = None
    """Reason and message of a pod that failed as a whole (a missed deadline, for example)."""
    guests: Sequence[ContainerStatus] = ()
    """Ephemeral containers, which change nothing about the pod."""


def status_of(pod: Obj, state: PodState) -> Obj:
    """Return the status to report."""
    phase = _phase(pod, state)
    made: Obj = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase,
        "hostIP": state.host,
        "hostIPs": [{"ip": state.host}],
        "startTime": state.started_at,
        "conditions": _conditions(pod, state, phase),
        "containerStatuses": [one.shown() for one in state.main],
    }
    if state.init:
        made["initContainerStatuses"] = [one.shown() for one in state.init]
    if state.guests:
        made["ephemeralContainerStatuses"] = [one.shown() for one in state.guests]
    if state.address:
        made |= {"podIP": state.address, "podIPs": [{"ip": state.address}]}
    if state.failure is not None:
        made |= {"reason": state.failure[0], "message": state.failure[1]}
    return made


def _phase(pod: Obj, state: PodState) -> str:
    if state.failure is not None:
        return "Failed"
    restartable = {c["name"] for c in pod["spec"].get("initContainers") or [] if is_sidecar(c)}
    plain = [one for one in state.init if one.name not in restartable]
    if any(one.over and one.exit_code not in (0, None) for one in plain):
        return "Failed"
    if state.main and all(one.over for one in state.main):
        return "Succeeded" if all(one.exit_code == 0 for one in state.main) else "Failed"
    if any("running" in one.state or "terminated" in one.state for one in state.main):
        return "Running"
    return "Running" if any(one.restarts or one.last_state for one in state.main) else "Pending"


def is_sidecar(container: Obj) -> bool:
    """Tell whether an init container keeps running beside the main ones."""
    return container.get("restartPolicy") == "Always"


def is_initialized(pod: Obj, init: Sequence[ContainerStatus]) -> bool:
    """Tell whether all init containers have done their part."""
    specs: Mapping[str, Obj] = {c["name"]: c for c in pod["spec"].get("initContainers") or []}
    return all(
        one.started if is_sidecar(specs[one.name]) else one.over and one.exit_code == 0
        for one in init
    )


def _conditions(pod: Obj, state: PodState, phase: str) -> list[Obj]:
    held = pod.get("status") or {}
    over = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase)
    unready = [one.name for one in state.main if not one.ready]
    reason = over or ("ContainersNotReady" if unready else "")
    text = f"containers with unready status: [{' '.join(unready)}]"
    text = text if reason == "ContainersNotReady" else ""
    initialized = is_initialized(pod, state.init) or phase == "Succeeded"
    waiting = [one.name for one in state.init if not (one.over and one.exit_code == 0)]
    ready, ready_reason, ready_text = not reason, reason, text
    missing = _unmet_gates(pod, held)
    if ready and missing:
        ready, ready_reason = False, "ReadinessGatesNotReady"
        ready_text = missing
    made = [
        _condition(
            pod,
            "PodReadyToStartContainers",
            good=bool(state.address) and not state.going and not over,
        ),
        _condition(
            pod,
            "Initialized",
            good=initialized,
            reason=(
                "PodCompleted"
                if phase == "Succeeded"
                else "" if initialized else "ContainersNotInitialized"
            ),
            text="" if initialized else f"containers with incomplete status: [{' '.join(waiting)}]",
        ),
        _condition(pod, "Ready", good=ready, reason=ready_reason, text=ready_text),
        _condition(pod, "ContainersReady", good=not reason, reason=reason, text=text),
    ]
    return [*made, *(c for c in held.get("conditions") or [] if c["type"] not in OWN)]


def _unmet_gates(pod: Obj, held: Obj) -> str:
    for gate in pod["spec"].get("readinessGates") or []:
        name = gate["conditionType"]
        condition = condition_of(held, name)
        if condition is None:
            return f'corresponding condition of pod readiness gate "{name}" does not exist.'
        if condition["status"] != "True":
            return f'the status of pod readiness gate "{name}" is not "True", but {condition["status"]}'
    return ""


def _condition(pod: Obj, kind: str, *, good: bool, reason: str = "", text: str = "") -> Obj:
    status = "True" if good else "False"
    held = condition_of(pod.get("status") or {}, kind)
    same = held is not None and held["status"] == status
    made: Obj = {
        "type": kind,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": held["lastTransitionTime"] if held and same else stamp(),
        "observedGeneration": pod["metadata"].get("generation", 1),
    }
    if reason:
        made["reason"] = reason
    if text:
        made["message"] = text
    return made
