"""Addresses and node ports of Services.

The strategy of Services calls `allocate` on create and update. What is taken is read from the
stored Services each time, so nothing can leak; a machine has few of them.
"""

from __future__ import annotations

import ipaddress

from drydock.cluster.core import Core
from drydock.cluster.errors import Cause, InvalidError, Json, Obj
from drydock.cluster.go_text import quoted

RANGE = ipaddress.ip_network("10.96.0.0/16")
RESERVED = 16
"""The first addresses are for the cluster itself: 10.96.0.1 the API, 10.96.0.10 the names."""
NODE_PORTS = range(30000, 32768)


def allocate(core: Core, obj: Obj, old: Obj | None) -> None:
    """Fill in addresses, families and node ports, in place; raises ApiError 422."""
    spec = obj["spec"]
    kind = spec.get("type")
    if kind == "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(name, None)
        return
    _carry(spec, old)
    _addresses(core, obj, old)
    if kind in ("NodePort", "LoadBalancer"):
        if kind == "NodePort" or spec.get("allocateLoadBalancerNodePorts", True):
            _node_ports(core, obj, old)
    elif old is not None:
        _drop_node_fields(spec, old["spec"])


def _drop_node_fields(spec: Obj, before: Obj) -> None:
    """Take away what a Service does not need any more; what is newly asked for is for validation."""
    numbers = {port.get("nodePort") for port in before.get("ports") or ()}
    for port in spec.get("ports") or ():
        if port.get("nodePort") in numbers:
            port.pop("nodePort", None)
    for name in ("externalTrafficPolicy", "healthCheckNodePort"):
        if spec.get(name) == before.get(name):
            spec.pop(name, None)


def _carry(spec: Obj, old: Obj | None) -> None:
    """Take over what an update leaves out."""
    if old is None or old["spec"].get("type") == "ExternalName":
        return
    before = old["spec"]
    one, many = spec.get("clusterIP"), spec.get("clusterIPs")
    if not one and not many:
        for name in ("clusterIP", "clusterIPs"):
            if name in before:
                spec[name] = before[name]
    elif one != before.get("clusterIP") and many == before.get("clusterIPs"):
        spec["clusterIPs"] = [one] if one else None
    for name in ("ipFamilies", "ipFamilyPolicy"):
        if name not in spec and name in before:
            spec[name] = before[name]
    numbers = {
        (p.get("protocol"), p.get("port")): p.get("nodePort") for p in before.get("ports") or ()
    }
    for port in spec.get("ports") or ():
        number = numbers.get((port.get("protocol"), port.get("port")))
        if not port.get("nodePort") and number and spec.get("type") != "ClusterIP":
            port["nodePort"] = number


def _addresses(core: Core, obj: Obj, old: Obj | None) -> None:
    spec = obj["spec"]
    if not spec.get("clusterIP") and spec.get("clusterIPs"):
        spec["clusterIP"] = spec["clusterIPs"][0]
    wish = spec.get("clusterIP")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if wish == "None" or (old is not None and wish == old["spec"].get("clusterIP") and wish):
        spec["clusterIPs"] = spec.get("clusterIPs") or [wish]
        return
    taken = {
        one["spec"].get("clusterIP")
        for one in core.store.all("services")
        if one["metadata"].get("uid") != obj["metadata"].get("uid")
    }
    if wish:
        _check_wish(obj, str(wish), taken)
        spec["clusterIPs"] = [wish]
        return
    free = next(
        address
        for number, address in enumerate(RANGE.hosts())
        if number >= RESERVED and str(address) not in taken
    )
    spec["clusterIP"], spec["clusterIPs"] = str(free), [str(free)]


def _check_wish(obj: Obj, wish: str, taken: set[Json]) -> None:
    try:
        address = ipaddress.ip_address(wish)
    except ValueError:
        return  # validation words this one
    why = ""
    if address not in RANGE:
        why = "the provided network does not match the current range"
    elif wish in taken:
        why = "provided IP is already allocated"
    if why:
        text = f"Invalid value: {quoted([wish])}: failed to allocate IP {wish}: {why}"
        _refuse(obj, "spec.clusterIPs", text)


def _node_ports(core: Core, obj: Obj, old: Obj | None) -> None:
    uid = obj["metadata"].get("uid")
    taken = {
        port.get("nodePort")
        for one in core.store.all("services")
        if one["metadata"].get("uid") != uid
        for port in one["spec"].get("ports") or ()
    }
    before = {p.get("nodePort") for p in (old or {"spec": {}})["spec"].get("ports") or ()}
    for at, port in enumerate(obj["spec"].get("ports") or ()):
        number = port.get("nodePort")
        if number:
            field = f"spec.ports[{at}].nodePort"
            if number not in NODE_PORTS:
                _refuse(
                    obj,
                    field,
                    f"Invalid value: {number}: provided port is not in the valid range. The range of"
                    f" valid ports is {NODE_PORTS.start}-{NODE_PORTS.stop - 1}",
                )
            if number in taken and number not in before:
                text = f"Invalid value: {number}: provided port is already allocated"
                _refuse(obj, field, text)
        else:
            number = next(one for one in NODE_PORTS if one not in taken)
            port["nodePort"] = number
        taken.add(number)


def _refuse(obj: Obj, field: str, text: str) -> None:
    name = obj["metadata"].get("name", "")
    raise InvalidError("Service", "", name, [Cause(field, "FieldValueInvalid", text)])
