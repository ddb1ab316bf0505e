"""Services and their pods: EndpointSlices, and the older Endpoints objects beside them.

Proxy and ingress follow the slices. Invariant: a slice names every pod that the selector takes and
that has an address; ready means that new connections may go there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from drydock.cluster.client import Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.endpoint_rows import address_of, grouped, subsets_of
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    annotations_of,
    created,
    is_deleting,
    key_of,
    labels_of,
    moment_of,
    owner_reference,
    stamp,
)
from drydock.cluster.controllers.pods import has_ended, ready_since
from drydock.cluster.errors import Obj

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
CHANGED = "endpoints.kubernetes.io/last-change-trigger-time"
HEADLESS = "service.kubernetes.io/headless"
SLICE_LIMIT = 100


class EndpointsController(Controller):
    """Writes one EndpointSlice per set of ports, and one Endpoints object, for every Service."""

    name: ClassVar[str] = "endpoint-slice-controller"
    kind: ClassVar[str] = "v1/Service"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.slices = self.secondary("discovery.k8s.io/v1/EndpointSlice")
        self.endpoints = cache["v1/Endpoints"]
        self.pods = cache["v1/Pod"]
        self.pods.on_change(self._pod_changed)

    async def sync(self, key: Key) -> None:
        """Bring slices and Endpoints of one Service up to date."""
        service = self.primary.get(key)
        if service is None:
            held = self.endpoints.get(key)
            if held is not None:
                await self.delete(held)
            return
        if is_deleting(service) or not service["spec"].get("selector"):
            return
        if service["spec"].get("type") == "ExternalName":
            return
        pods = [
            pod
            for pod in self.pods.in_namespace(key[0])
            if _takes(service, pod) and not has_ended(pod) and address_of(pod)
        ]
        pods.sort(key=lambda pod: pod["metadata"]["name"])
        await self._write_slices(service, pods)
        await self._write_endpoints(service, pods)

    async def _write_slices(self, service: Obj, pods: Sequence[Obj]) -> None:
        wanted = grouped(service, pods)
        held = {
            json.dumps(one.get("ports") or []): one
            for one in self.slices.owned_by(service["metadata"]["uid"])
            if not is_deleting(one) and labels_of(one).get(MANAGED_BY) == MANAGER
        }
        free = [one for ports, one in held.items() if ports not in wanted]
        for ports, endpoints in wanted.items():
            present = held.get(ports) or (free.pop() if free else None)
            await self._write_slice(service, present, json.loads(ports), endpoints, pods)
        for one in free:
            await self.delete(one)

    async def _write_slice(
        self,
        service: Obj,
        present: Obj | None,
        ports: list[Obj],
        endpoints: list[Obj],
        pods: Sequence[Obj],
    ) -> None:
        namespace, name = key_of(service)
        labels = {**labels_of(service), SERVICE_NAME: name, MANAGED_BY: MANAGER}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        if present is None:
            await self.create(
                {
                    "apiVersion": "discovery.k8s.io/v1",
                    "kind": "EndpointSlice",
                    "metadata": {
                        "generateName": f"{name}-",
                        "namespace": namespace,
                        "labels": labels,
                        "annotations": {CHANGED: stamp(_last_change(service, pods))},
                        "ownerReferences": [owner_reference(service, "v1", "Service")],
                    },
                    "addressType": "IPv4",
                    "endpoints": endpoints,
                    "ports": ports or None,
                }
            )
            return
        same = (present.get("endpoints") or []) == endpoints
        if same and (present.get("ports") or []) == ports and labels_of(present) == labels:
            return
        notes = {**annotations_of(present), CHANGED: stamp(_last_change(service, pods))}
        meta = {**present["metadata"], "labels": labels, "annotations": notes}
        changed = {**present, "metadata": meta, "endpoints": endpoints, "ports": ports or None}
        await self.update(changed)

    async def _write_endpoints(self, service: Obj, pods: Sequence[Obj]) -> None:
        namespace, name = key_of(service)
        labels = {**labels_of(service), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        subsets = subsets_of(service, pods)
        held = self.endpoints.get((namespace, name))
        if held is None:
            meta = {
                "name": name,
                "namespace": namespace,
                "labels": labels,
                "annotations": {CHANGED: stamp(_last_change(service, pods))},
            }
            made: Obj = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}
            await self.create({**made, "subsets": subsets} if subsets else made)
            return
        if (held.get("subsets") or []) == subsets and labels_of(held) == labels:
            return
        notes = {**annotations_of(held), CHANGED: stamp(_last_change(service, pods))}
        meta = {**held["metadata"], "labels": labels, "annotations": notes}
        changed = {**held, "metadata": meta}
        changed.pop("subsets", None)
        await self.update({**changed, "subsets": subsets} if subsets else changed)

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        pod = new or old
        if pod is None:
            return
        for service in self.primary.in_namespace(key_of(pod)[0]):
            if any(_takes(service, one) for one in (old, new) if one is not None):
                self.queue.add(key_of(service))


def ready_endpoints(slices: Iterable[Obj], port: str) -> list[tuple[str, int]]:
    """Return address and port of every ready endpoint; `port` is the Service port's name."""
    return _found(slices, port, "ready")


def called_endpoints(slices: Sequence[Obj], port: str) -> list[tuple[str, int]]:
    """Return the endpoints that a Service address leads to.

    Without a ready one these are the pods that are going and still serve, so that the last pod of a
    Service answers to its end.
    """
    return ready_endpoints(slices, port) or _found(slices, port, "serving", terminating=True)


def _found(
    slices: Iterable[Obj], port: str, condition: str, *, terminating: bool = False
) -> list[tuple[str, int]]:
    found = []
    for one in slices:
        numbers = [p["port"] for p in one.get("ports") or [] if (p.get("name") or "") == port]
        for endpoint in one.get("endpoints") or []:
            told = endpoint.get("conditions") or {}
            if terminating and not told.get("terminating", False):
                continue
            if told.get(condition, True) and numbers:
                found += [(address, numbers[0]) for address in endpoint["addresses"]]
    return sorted(set(found))


def _takes(service: Obj, pod: Obj) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= labels_of(pod).items()


def _last_change(service: Obj, pods: Sequence[Obj]) -> datetime:
    moments = [created(service)]
    for pod in pods:
        moments.append(ready_since(pod) or created(pod))
        moments.append(moment_of(pod["metadata"].get("deletionTimestamp")))
    return max(moments)
