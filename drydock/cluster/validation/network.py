"""Rules for Services, Ingresses and network policies."""

from __future__ import annotations

import ipaddress

from drydock.cluster.errors import Cause, Json, Obj
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import (
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from drydock.cluster.validation.containers import PROTOCOLS
from drydock.cluster.validation.metadata import labels
from drydock.cluster.validation.registry import rule, update_rule

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_NO_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NO_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


@rule("services")
def service(obj: Obj) -> list[Cause]:
    """Check a Service."""
    spec = obj["spec"]
    kind, ports = spec.get("type"), spec.get("ports") or []
    headless = spec.get("clusterIP") == "None"
    causes: list[Cause] = []
    if not ports and not headless and kind != "ExternalName":
        causes.append(required("spec.ports"))
    if kind == "ExternalName":
        name = (spec.get("externalName") or "").rstrip(".")
        if name:
            causes += [invalid("spec.externalName", name, w) for w in names.dns_subdomain(name)]
        else:
            causes.append(required("spec.externalName"))
    seen: set[str] = set()
    for at, port in enumerate(ports):
        causes += _service_port(port, f"spec.ports[{at}]", seen, many=len(ports) > 1)
    causes += labels(spec.get("selector"), "spec.selector")
    if spec.get("sessionAffinity") not in ("ClientIP", "None"):
        value = spec.get("sessionAffinity", "")
        causes.append(unsupported("spec.sessionAffinity", value, ("ClientIP", "None")))
    for at, address in enumerate(spec.get("clusterIPs") or ()):
        if address != "None" and not _is_address(address):
            causes.append(invalid(f"spec.clusterIPs[{at}]", address, _NO_IP))
    if kind not in _TYPES:
        causes.append(unsupported("spec.type", kind, _TYPES))
    return causes + _same_ports(ports)


@update_rule("services")
def service_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that the address stays."""
    after, before = new["spec"].get("clusterIPs"), old["spec"].get("clusterIPs")
    external = "ExternalName" in (new["spec"].get("type"), old["spec"].get("type"))
    if external or not before or after == before:
        return []
    return [invalid("spec.clusterIPs[0]", after, "may not change once set")]


def _service_port(port: Obj, path: str, seen: set[str], *, many: bool) -> list[Cause]:
    causes: list[Cause] = []
    name, number = port.get("name") or "", port.get("port", 0)
    if not name:
        if many:
            causes.append(required(f"{path}.name"))
    else:
        causes += [invalid(f"{path}.name", name, why) for why in names.dns_label(name)]
        if name in seen:
            causes.append(duplicate(f"{path}.name", name))
        seen.add(name)
    causes += [invalid(f"{path}.port", number, why) for why in names.port_number(number)]
    if port.get("protocol") not in PROTOCOLS:
        causes.append(unsupported(f"{path}.protocol", port.get("protocol", ""), PROTOCOLS))
    target = port.get("targetPort", 0)
    reasons = names.port_name(target) if isinstance(target, str) else names.port_number(target)
    return causes + [invalid(f"{path}.targetPort", target, why) for why in reasons]


def _same_ports(ports: list[Obj]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[tuple[Json, Json]] = set()
    for at, port in enumerate(ports):
        key = (port.get("protocol"), port.get("port"))
        if key in seen:
            shown = {"Name": "", "Protocol": key[0], "AppProtocol": None, "Port": key[1]}
            shown |= {"TargetPort": 0, "NodePort": 0}
            causes.append(duplicate(f"spec.ports[{at}]", shown))
        seen.add(key)
    return causes


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@rule("ingresses.networking.k8s.io")
def ingress(obj: Obj) -> list[Cause]:
    """Check an Ingress."""
    spec = obj["spec"]
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and backend is None:
        why = "either `defaultBackend` or `rules` must be specified"
        return [invalid("spec", None, why)]
    causes = _backend(backend, "spec.defaultBackend") if backend is not None else []
    for at, one in enumerate(rules):
        path, host = f"spec.rules[{at}]", one.get("host") or ""
        if host:
            plain = host[2:] if host.startswith("*.") else host
            causes += [invalid(f"{path}.host", host, why) for why in names.dns_subdomain(plain)]
        for number, route in enumerate((one.get("http") or {}).get("paths") or ()):
            causes += _route(route, f"{path}.http.paths[{number}]")
    return causes


def _route(route: Obj, path: str) -> list[Cause]:
    kind, text = route.get("pathType"), route.get("path") or ""
    if not kind:
        return [required(f"{path}.pathType", "pathType must be specified")]
    causes: list[Cause] = []
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            causes.append(invalid(f"{path}.path", text, "must be an absolute path"))
        causes += [
            invalid(f"{path}.path", text, f"must not contain '{bad}'")
            for bad in ("//", "/./", "/../", "%2f", "%2F")
            if bad in text
        ]
    elif kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            causes.append(invalid(f"{path}.path", text, "must be an absolute path"))
    else:
        known = ("Exact", "ImplementationSpecific", "Prefix")
        causes.append(unsupported(f"{path}.pathType", kind, known))
    return causes + _backend(route.get("backend") or {}, f"{path}.backend")


def _backend(backend: Obj, path: str) -> list[Cause]:
    found = backend.get("service")
    if found is None:
        if "resource" in backend:
            return []
        return [required(path, "service or resource backend is required")]
    causes: list[Cause] = []
    name, port = found.get("name") or "", found.get("port") or {}
    if not name:
        causes.append(required(f"{path}.service.name"))
    else:
        causes += [invalid(f"{path}.service.name", name, why) for why in names.dns_label(name)]
    if port.get("name") and port.get("number"):
        why = "cannot set both port name & port number"
        causes.append(invalid(f"{path}", path, why))
    elif port.get("number"):
        number = port["number"]
        causes += [
            invalid(f"{path}.service.port.number", number, w) for w in names.port_number(number)
        ]
    elif not port.get("name"):
        causes.append(required(f"{path}.service.port", "port name or number is required"))
    return causes


@rule("networkpolicies.networking.k8s.io")
def network_policy(obj: Obj) -> list[Cause]:
    """Check a NetworkPolicy."""
    spec = obj["spec"]
    causes: list[Cause] = []
    for kind, peers in (("ingress", "from"), ("egress", "to")):
        for at, one in enumerate(spec.get(kind) or ()):
            path = f"spec.{kind}[{at}]"
            for number, port in enumerate(one.get("ports") or ()):
                causes += _policy_port(port, f"{path}.ports[{number}]")
            for number, peer in enumerate(one.get(peers) or ()):
                causes += _peer(peer, f"{path}.{peers}[{number}]")
    for at, kind in enumerate(spec.get("policyTypes") or ()):
        if kind not in ("Ingress", "Egress"):
            causes.append(unsupported(f"spec.policyTypes[{at}]", kind, ("Ingress", "Egress")))
    return causes


def _policy_port(port: Obj, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if port.get("protocol") not in (None, "TCP", "UDP", "SCTP"):
        causes.append(unsupported(f"{path}.protocol", port["protocol"], ("TCP", "UDP", "SCTP")))
    number = port.get("port")
    if number is not None:
        reasons = names.port_name(number) if isinstance(number, str) else names.port_number(number)
        causes += [invalid(f"{path}.port", number, why) for why in reasons]
    return causes


def _peer(peer: Obj, path: str) -> list[Cause]:
    causes: list[Cause] = []
    block = peer.get("ipBlock")
    if block is not None:
        cidr = block.get("cidr") or ""
        try:
            ipaddress.ip_network(cidr)
        except ValueError:
            causes.append(invalid(f"{path}.ipBlock.cidr", cidr, _NO_CIDR))
    if not peer:
        causes.append(required(path, "must specify a peer"))
    elif block is not None and len(peer) > 1:
        causes.append(forbidden(path, "may not specify both ipBlock and another peer"))
    return causes
