"""The node as the API sees it: a Node that is Ready, and a Lease that is renewed.

The kubelet runs it. Invariant: what others wrote on the Node (labels, taints, cordon) stays.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.meta import micro_stamp, stamp
from drydock.cluster.errors import Obj

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
LEASE_SECONDS = 40
PODS = 110
LEASES = "kube-node-lease"
VERSION = "v1.36.2"


class Registration:
    """Keeps the Node and its Lease."""

    def __init__(self, client: Client, name: str, address: str) -> None:
        self._client = client
        self._name = name
        self._address = address
        self._since = stamp()

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            try:
                await self.beat()
            except ApiError as error:
                log.warning("heartbeat of node %s: %s", self._name, error)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def beat(self) -> None:
        """Report the node as ready, creating what is not there."""
        change = {"status": self._status()}
        try:
            await self._client.patch("v1/Node", None, self._name, change, subresource="status")
        except ApiError as error:
            if error.code != 404:
                raise
            await self._client.create(self._node())
            await self._client.patch("v1/Node", None, self._name, change, subresource="status")
        await self._renew()

    async def _renew(self) -> None:
        kind = "coordination.k8s.io/v1/Lease"
        spec = {
            "holderIdentity": self._name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": micro_stamp(),
        }
        try:
            await self._client.patch(kind, LEASES, self._name, {"spec": spec})
        except ApiError as error:
            if error.code != 404:
                raise
            meta = {"name": self._name, "namespace": LEASES}
            lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta}
            await self._client.create({**lease, "spec": spec})

    def _node(self) -> Obj:
        labels = {
            "kubernetes.io/hostname": self._name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": _architecture(),
            "beta.kubernetes.io/os": "linux",
            "beta.kubernetes.io/arch": _architecture(),
            "node-role.kubernetes.io/control-plane": "",
        }
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self._name, "labels": labels},
            "spec": {},
        }

    def _status(self) -> Obj:
        size = {
            "cpu": str(os.cpu_count() or 1),
            "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 1024}Ki",
            "pods": str(PODS),
        }
        times = {"lastHeartbeatTime": stamp(), "lastTransitionTime": self._since}
        calm = [
            (
                "MemoryPressure",
                "KubeletHasSufficientMemory",
                "kubelet has sufficient memory available",
            ),
            ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ]
        conditions = [
            {"type": kind, "status": "False", "reason": reason, "message": text, **times}
            for kind, reason, text in calm
        ]
        ready = {"reason": "KubeletReady", "message": "kubelet is posting ready status"}
        conditions.append({"type": "Ready", "status": "True", **ready, **times})
        system = platform.uname()
        return {
            "capacity": size,
            "allocatable": size,
            "addresses": [
                {"type": "InternalIP", "address": self._address},
                {"type": "Hostname", "address": self._name},
            ],
            "conditions": conditions,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
            "nodeInfo": {
                "architecture": _architecture(),
                "bootID": "",
                "containerRuntimeVersion": "drydock://0.1.0",
                "kernelVersion": system.release,
                "kubeProxyVersion": "",
                "kubeletVersion": VERSION,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "Drydock",
                "systemUUID": "",
            },
        }


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
