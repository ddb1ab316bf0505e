#!/usr/bin/env python3
"""Play the pods of one imaginary node on a control plane that has no kubelet.

Usage: fake_kubelet.py --kubeconfig FILE [--node NAME]

The node is registered Ready with 4 CPU and 8 GiB and deleted at the end
(SIGTERM or SIGINT). Every pod bound to it is Running at once and Ready a moment
later, unless annotations say otherwise:

    fake/ready-after: "2"      seconds from start to Ready (default 0.3)
    fake/never-ready: "true"   runs, never becomes Ready
    fake/unready: "true"       a running pod that loses its readiness now
    fake/crash: "true"         exits 1 again and again: CrashLoopBackOff
    fake/image: missing        ErrImagePull, then ImagePullBackOff
    fake/exit-code: "0"        ends with this code after fake/run-for seconds (default 0.3)
    fake/stop-after: "2"       seconds between SIGTERM and the end (default 0.2, at most the grace)

The statuses follow a real kubelet: five conditions with transition times and
observedGeneration, container states, pod IP, then a delete with grace 0.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import datetime, timezone
from typing import Any

from kube_api import PATCH_TYPES, Api

Pod = dict[str, Any]
PERIOD_S = 0.2
HEARTBEAT_S = 10
IMAGE_ID = "registry.test/image@sha256:" + "0" * 64


def stamp(moment: float | None = None, *, micro: bool = False) -> str:
    """Write a moment as the API does."""
    when = datetime.fromtimestamp(time.time() if moment is None else moment, timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def node_status() -> dict[str, Any]:
    """Return the status of a healthy node with 4 CPU and 8 GiB."""
    now = stamp()
    good = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    size = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "64Gi"}
    pressure = [
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ]
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    ready["message"] = "kubelet is posting ready status"
    return {
        "capacity": size,
        "allocatable": size,
        "addresses": [
            {"type": "InternalIP", "address": "192.0.2.10"},
            {"type": "Hostname", "address": "node1"},
        ],
        "conditions": [
            {"type": t, "status": "False", "reason": r, "message": m, **good}
            for t, r, m in pressure
        ]
        + [{**ready, **good}],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": "fake",
            "containerRuntimeVersion": "fake://1",
            "kernelVersion": "6.1.0",
            "kubeProxyVersion": "",
            "kubeletVersion": "v1.36.2",
            "machineID": "fake",
            "operatingSystem": "linux",
            "osImage": "Fake Linux",
            "systemUUID": "fake",
        },
    }


class Played:
    """What the node remembers of one pod: when it was first seen and its address."""

    def __init__(self, number: int, now: float) -> None:
        self.start = now
        self.ip = f"10.88.{number // 250 % 250}.{number % 250 + 2}"
        self.stopping: float | None = None
        self.last: dict[str, Any] = {}


def container_state(
    pod: Pod, age: float, start: float
) -> tuple[dict[str, Any], dict[str, Any], int, bool]:
    """Return state, last state, restart count and readiness of every container."""
    notes = pod["metadata"].get("annotations", {})
    began = stamp(start)
    running = {"running": {"startedAt": began}}
    if notes.get("fake/image") == "missing":
        reason, text = (
            ("ErrImagePull", "not found")
            if age < 1
            else ("ImagePullBackOff", "Back-off pulling image")
        )
        return {"waiting": {"reason": reason, "message": text}}, {}, 0, False
    code = "1" if notes.get("fake/crash") == "true" else notes.get("fake/exit-code")
    if code is not None:
        ran = float(notes.get("fake/run-for", 0.3))
        ended = {
            "exitCode": int(code),
            "reason": "Completed" if code == "0" else "Error",
            "startedAt": began,
            "finishedAt": stamp(start + ran),
            "containerID": "fake://ended",
        }
        if age < ran:
            return running, {}, 0, "fake/crash" not in notes
        policy = pod["spec"].get("restartPolicy", "Always")
        if policy == "Never" or (policy == "OnFailure" and code == "0"):
            return {"terminated": ended}, {}, 0, False
        restarts = min(1 + int(age // 2), 9)
        text = "back-off 10s restarting failed container"
        return (
            {"waiting": {"reason": "CrashLoopBackOff", "message": text}},
            {"terminated": ended},
            restarts,
            False,
        )
    unready = "true" in (notes.get("fake/never-ready"), notes.get("fake/unready"))
    return running, {}, 0, not unready and age >= float(notes.get("fake/ready-after", 0.3))


def condition(
    pod: Pod, kind: str, good: bool, reason: str = "", message: str = ""
) -> dict[str, Any]:
    """Build a condition; the transition time moves only when the status does."""
    status = "True" if good else "False"
    old = next((c for c in pod["status"].get("conditions", []) if c["type"] == kind), None)
    same = old is not None and old["status"] == status
    made = {
        "type": kind,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": old["lastTransitionTime"] if same and old else stamp(),
        "observedGeneration": pod["metadata"].get("generation", 1),
    }
    if reason:
        made |= {"reason": reason, "message": message} if message else {"reason": reason}
    return made


def play(pod: Pod, seen: Played, now: float) -> dict[str, Any]:
    """Return the status that a kubelet would report now."""
    names = [c["name"] for c in pod["spec"]["containers"]]
    state, last, restarts, ready = container_state(pod, now - seen.start, seen.start)
    if seen.stopping is not None:
        ready = False
        began = stamp(seen.start)
        state = {
            "terminated": {
                "exitCode": 0,
                "reason": "Completed",
                "startedAt": began,
                "finishedAt": stamp(now),
            }
        }
    phase = "Running"
    if "terminated" in state:
        phase = "Succeeded" if state["terminated"]["exitCode"] == 0 else "Failed"
    elif state.get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff"):
        phase = "Pending"
    done = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase)
    why = "" if ready else done or "ContainersNotReady"
    text = (
        f"containers with unready status: [{' '.join(names)}]"
        if why == "ContainersNotReady"
        else ""
    )
    containers = [
        {
            "name": c["name"],
            "image": c["image"],
            "imageID": "" if phase == "Pending" else IMAGE_ID,
            "containerID": "" if phase == "Pending" else f"fake://{c['name']}-{restarts}",
            "state": state,
            "lastState": last,
            "ready": ready,
            "started": "running" in state,
            "restartCount": restarts,
        }
        for c in pod["spec"]["containers"]
    ]
    others = [
        c
        for c in pod["status"].get("conditions", [])
        if c["type"] in ("PodScheduled", "DisruptionTarget")
    ]
    gates = [g["conditionType"] for g in pod["spec"].get("readinessGates", [])]
    met = {c["type"] for c in pod["status"].get("conditions", []) if c["status"] == "True"}
    kept = [c for c in pod["status"].get("conditions", []) if c["type"] in gates]
    all_ready = ready and all(g in met for g in gates)
    if ready and not all_ready:
        why, text = (
            "ReadinessGatesNotReady",
            "corresponding condition of pod readiness gate does not exist.",
        )
    return {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase,
        "hostIP": "192.0.2.10",
        "hostIPs": [{"ip": "192.0.2.10"}],
        "podIP": seen.ip,
        "podIPs": [{"ip": seen.ip}],
        "startTime": stamp(seen.start),
        "conditions": [
            condition(pod, "PodReadyToStartContainers", seen.stopping is None and done is None),
            condition(pod, "Initialized", True, "PodCompleted" if phase == "Succeeded" else ""),
            condition(pod, "Ready", all_ready, why, text),
            condition(
                pod, "ContainersReady", ready, why if not ready else "", text if not ready else ""
            ),
            *others,
            *kept,
        ],
        "containerStatuses": containers,
    }


class Kubelet:
    """The loop: heartbeat, list the node's pods, report what changed."""

    def __init__(self, api: Api, node: str) -> None:
        self.api, self.node = api, node
        self.seen: dict[str, Played] = {}
        self.count = 0
        self.beat = 0.0

    def register(self) -> None:
        """Create the node and its lease; a node left by an earlier run is taken over."""
        labels = {
            "kubernetes.io/hostname": self.node,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        }
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.node, "labels": labels},
        }
        self.api.call("POST", "/api/v1/nodes", node)
        self.heartbeat()

    def heartbeat(self) -> None:
        """Renew the lease and the node's status."""
        self.beat = time.time()
        path = f"/api/v1/nodes/{self.node}"
        self.api.call(
            "PATCH",
            path + "/status",
            {"status": node_status()},
            content_type=PATCH_TYPES["strategic"],
        )
        base = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        spec = {
            "holderIdentity": self.node,
            "leaseDurationSeconds": 40,
            "renewTime": stamp(micro=True),
        }
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.node},
            "spec": spec,
        }
        code, _ = self.api.call(
            "PATCH", f"{base}/{self.node}", {"spec": spec}, content_type=PATCH_TYPES["merge"]
        )
        if code == 404:
            self.api.call("POST", base, lease)

    def step(self) -> None:
        """Bring every pod of the node forward once."""
        now = time.time()
        if now - self.beat > HEARTBEAT_S:
            self.heartbeat()
        _, pods = self.api.call(
            "GET", f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self.node}&resourceVersion=0"
        )
        for pod in pods.get("items", []):
            self.one(pod, now)
        alive = {pod["metadata"]["uid"] for pod in pods.get("items", [])}
        self.seen = {uid: seen for uid, seen in self.seen.items() if uid in alive}

    def one(self, pod: Pod, now: float) -> None:
        """Report one pod; finish it when its deletion was asked for."""
        meta = pod["metadata"]
        if meta["uid"] not in self.seen:
            self.count += 1
            self.seen[meta["uid"]] = Played(self.count, now)
        seen = self.seen[meta["uid"]]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        over = pod["status"].get("phase") in ("Succeeded", "Failed")
        if "deletionTimestamp" in meta:
            if seen.stopping is None:
                seen.stopping = now
                if not over:
                    return
            wanted = float(meta.get("annotations", {}).get("fake/stop-after", 0.2))
            if (
                now - seen.stopping < min(wanted, meta.get("deletionGracePeriodSeconds", 30))
                and not over
            ):
                return
            if not over:
                self.report(path, play(pod, seen, now), seen)
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
            self.api.call("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
        elif not over:
            self.report(path, play(pod, seen, now), seen)

    def report(self, path: str, status: dict[str, Any], seen: Played) -> None:
        """Send a status when it differs from the last one sent."""
        if status != seen.last:
            code, _ = self.api.call(
                "PATCH", path + "/status", {"status": status}, content_type=PATCH_TYPES["merge"]
            )
            if code == 200:
                seen.last = status


def main() -> int:
    """Play until a signal comes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--node", default="node1")
    options = parser.parse_args()
    kubelet = Kubelet(Api(options.kubeconfig), options.node)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    kubelet.register()
    try:
        while True:
            kubelet.step()
            time.sleep(PERIOD_S)
    except KeyboardInterrupt:
        return 0
    finally:
        kubelet.api.call("DELETE", f"/api/v1/nodes/{options.node}")


if __name__ == "__main__":
    raise SystemExit(main())
