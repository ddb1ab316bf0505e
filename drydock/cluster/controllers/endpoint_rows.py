"""What the pods of a Service become in its EndpointSlices, and in the older Endpoints object.

Pure; the endpoints controller asks. A pod whose containers do not name a target port is left out of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from drydock.cluster.controllers.meta import is_deleting, key_of
from drydock.cluster.controllers.pods import is_ready
from drydock.cluster.errors import Obj


def address_of(pod: Obj) -> str:
    """Return the address of a pod, empty while it has none."""
    return str((pod.get("status") or {}).get("podIP") or "")


def _ports_of(service: Obj, pod: Obj) -> list[Obj]:
    """Resolve the Service's target ports for one pod; a name the pod does not have is left out."""
    ports = []
    for port in service["spec"].get("ports") or []:
        number = _target(port, pod)
        if number is None:
            continue
        made = {
            "name": port.get("name", ""),
            "port": number,
            "protocol": port.get("protocol", "TCP"),
        }
        if port.get("appProtocol"):
            made["appProtocol"] = port["appProtocol"]
        ports.append(made)
    return ports


def _target(port: Obj, pod: Obj) -> int | None:
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
        for one in container.get("ports") or []:
            same = one.get("protocol", "TCP") == port.get("protocol", "TCP")
            if one.get("name") == target and same:
                return int(one["containerPort"])
    return None


def grouped(service: Obj, pods: Sequence[Obj]) -> dict[str, list[Obj]]:
    """Return the endpoints by their ports (as JSON); without pods one slice without ports."""
    groups: dict[str, list[Obj]] = {}
    for pod in pods:
        groups.setdefault(json.dumps(_ports_of(service, pod)), []).append(_endpoint(service, pod))
    return groups or {json.dumps([]): []}


def _endpoint(service: Obj, pod: Obj) -> Obj:
    serving, going = is_ready(pod), is_deleting(pod)
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not going)
    endpoint: Obj = {
        "addresses": [address_of(pod)],
        "conditions": {"ready": ready, "serving": serving, "terminating": going},
        "targetRef": _target_ref(pod),
    }
    if pod["spec"].get("nodeName"):
        endpoint["nodeName"] = pod["spec"]["nodeName"]
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == key_of(service)[1]:
        endpoint["hostname"] = pod["spec"]["hostname"]
    return endpoint


def _target_ref(pod: Obj) -> Obj:
    namespace, name = key_of(pod)
    return {"kind": "Pod", "name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]}


def subsets_of(service: Obj, pods: Sequence[Obj]) -> list[Obj]:
    """Return what the older Endpoints object lists: ready and other addresses by their ports."""
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    groups: dict[str, Obj] = {}
    for pod in pods:
        if is_deleting(pod) and not publish:
            continue
        ports = [
            {name: value for name, value in port.items() if value != ""}
            for port in _ports_of(service, pod)
        ]
        subset = groups.setdefault(json.dumps(ports), {})
        address: Obj = {"ip": address_of(pod), "targetRef": _target_ref(pod)}
        if pod["spec"].get("nodeName"):
            address["nodeName"] = pod["spec"]["nodeName"]
        field = "addresses" if is_ready(pod) or publish else "notReadyAddresses"
        subset.setdefault(field, []).append(address)
    return [{**subset, "ports": json.loads(ports)} for ports, subset in groups.items()]
