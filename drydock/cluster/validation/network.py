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
_STICKY_MOST = 86400


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
    return causes + _same_ports(ports) + _by_type(spec) + _affinity(spec)


def _by_type(spec: Obj) -> list[Cause]:
    """Check fields that only some types of Service have."""
    kind, causes = spec.get("type"), []
    if kind == "ClusterIP":
        for at, port in enumerate(spec.get("ports") or ()):
            if port.get("nodePort"):
                why = "may not be used when `type` is 'ClusterIP'"
                causes.append(forbidden(f"spec.ports[{at}].nodePort", why))
        policy = spec.get("externalTrafficPolicy")
        if policy:
            why = "may only be set for externally-accessible services"
            causes.append(invalid("spec.externalTrafficPolicy", policy, why))
    if kind in ("NodePort", "LoadBalancer") and spec.get("clusterIP") == "None":
        why = f"may not be set to 'None' for {kind} services"
        causes.append(invalid("spec.clusterIPs[0]", "None", why))
    return causes


def _affinity(spec: Obj) -> list[Cause]:
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    seconds = config.get("timeoutSeconds")
    if seconds is None or 0 < seconds <= _STICKY_MOST:
        return []
    why = f"must be greater than 0 and less than or equal to {_STICKY_MOST}"
    return [invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, why)]


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
