"""Rules for the containers of a pod."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.quantity import amount
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import (
    duplicate,
    forbidden,
    invalid,
    non_negative,
    not_found,
    required,
    unsupported,
)

PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL = ("Always", "IfNotPresent", "Never")
_STANDARD = ("cpu", "memory", "ephemeral-storage")
_FIELDS = re.compile(
    r"metadata\.(name|namespace|uid|labels|annotations)|metadata\.(labels|annotations)\['[^']+'\]"
    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs)"
)
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")


def check_containers(
    found: Sequence[Obj], path: str, volumes: dict[str, Obj], seen: set[str], *, grace: int = 30
) -> list[Cause]:
    """Return what is wrong with a list of containers; `seen` holds the names used so far.

    `grace` is the pod's time to end, which no hook may sleep through.
    """
    causes: list[Cause] = []
    for at, container in enumerate(found):
        where, name = f"{path}[{at}]", container.get("name") or ""
        causes += _common(container, where, volumes)
        if name in seen:
            causes.append(duplicate(f"{where}.name", name))
        elif name:
            seen.add(name)
        for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
            causes += _probe(container.get(kind), f"{where}.{kind}")
        for kind in ("postStart", "preStop"):
            handler = (container.get("lifecycle") or {}).get(kind)
            if handler is not None:
                causes += _handler(handler, f"{where}.lifecycle.{kind}")
                causes += _sleep(handler, f"{where}.lifecycle.{kind}.sleep", grace)
    return causes


def _sleep(handler: Obj, path: str, grace: int) -> list[Cause]:
    seconds = (handler.get("sleep") or {}).get("seconds", 0)
    if 0 <= seconds <= grace:
        return []
    why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
    return [invalid(path, seconds, why)]


def _common(container: Obj, path: str, volumes: dict[str, Obj]) -> list[Cause]:
    name, image = container.get("name") or "", container.get("image") or ""
    if name:
        causes = [invalid(f"{path}.name", name, why) for why in names.dns_label(name)]
    else:
        causes = [required(f"{path}.name")]
    if not image:
        causes.append(required(f"{path}.image"))
    elif image != image.strip():
        why = "must not have leading or trailing whitespace"
        causes.append(invalid(f"{path}.image", image, why))
    causes += _ports(container.get("ports") or (), f"{path}.ports")
    causes += _environment(container.get("env") or (), f"{path}.env")
    causes += _mounts(container.get("volumeMounts") or (), f"{path}.volumeMounts", volumes)
    if container.get("imagePullPolicy") not in _PULL:
        value = container.get("imagePullPolicy", "")
        causes.append(unsupported(f"{path}.imagePullPolicy", value, _PULL))
    causes += check_resources(container.get("resources") or {}, f"{path}.resources")
    return causes + _security(container.get("securityContext") or {}, f"{path}.securityContext")


def _ports(found: Sequence[Obj], path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for at, port in enumerate(found):
        where, name, number = f"{path}[{at}]", port.get("name"), port.get("containerPort", 0)
        if name:
            reasons = names.port_name(name)
            causes += [invalid(f"{where}.name", name, why) for why in reasons]
            if not reasons and name in seen:
                causes.append(duplicate(f"{where}.name", name))
            seen.add(name)
        if not number:
            causes.append(required(f"{where}.containerPort"))
        else:
            causes += [
                invalid(f"{where}.containerPort", number, w) for w in names.port_number(number)
            ]
        host = port.get("hostPort")
        if host:
            causes += [invalid(f"{where}.hostPort", host, w) for w in names.port_number(host)]
        if port.get("protocol") not in PROTOCOLS:
            causes.append(unsupported(f"{where}.protocol", port.get("protocol", ""), PROTOCOLS))
    return causes


def _environment(found: Sequence[Obj], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for at, one in enumerate(found):
        where, name, source = f"{path}[{at}]", one.get("name") or "", one.get("valueFrom")
        if not name:
            causes.append(required(f"{where}.name"))
        else:
            causes += [invalid(f"{where}.name", name, why) for why in names.env_name(name)]
        if source is None:
            continue
        inside = f"{where}.valueFrom"
        causes += _reference(source, inside)
        if one.get("value"):
            why = "may not be specified when `value` is not empty"
            causes.append(invalid(inside, "", why))
        elif not source:
            why = (
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`,"
                " `secretKeyRef` or `fileKeyRef`"
            )
            causes.append(invalid(inside, "", why))
        elif len(source) > 1:
            why = "may not have more than one field specified at a time"
            causes.append(invalid(inside, "", why))
    return causes


def _reference(source: Obj, path: str) -> list[Cause]:
    causes: list[Cause] = []
    field = source.get("fieldRef")
    if field is not None:
        where, value = f"{path}.fieldRef.fieldPath", field.get("fieldPath") or ""
        if not value:
            causes.append(required(where))
        elif not _FIELDS.fullmatch(value):
            why = f"error converting fieldPath: field label not supported: {value}"
            causes.append(invalid(where, value, why))
    return causes + [
        required(f"{path}.{kind}.key")
        for kind in ("configMapKeyRef", "secretKeyRef")
        if kind in source and not source[kind].get("key")
    ]


def _mounts(found: Sequence[Obj], path: str, volumes: dict[str, Obj]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for at, mount in enumerate(found):
        where, name, target = f"{path}[{at}]", mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            causes.append(required(f"{where}.name"))
        elif name not in volumes:
            causes.append(not_found(f"{where}.name", name))
        if not target:
            causes.append(required(f"{where}.mountPath"))
        elif target in seen:
            causes.append(invalid(f"{where}.mountPath", target, "must be unique"))
        seen.add(target)
    return causes


def check_resources(resources: Obj, path: str) -> list[Cause]:
    """Return what is wrong with requests and limits."""
    causes: list[Cause] = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, found in (("limits", limits), ("requests", requests)):
        for name, value in found.items():
            where = f"{path}.{kind}[{name}]"
            causes += _resource_name(name, where)
            if amount(value) < 0:
                causes.append(invalid(where, value, "must be greater than or equal to 0"))
    for name, value in requests.items():
        limit = limits.get(name)
        if limit is not None and amount(value) > amount(limit):
            why = f"must be less than or equal to {name} limit of {limit}"
            causes.append(invalid(f"{path}.requests", value, why))
    return causes


def _resource_name(name: str, path: str) -> list[Cause]:
    causes = [invalid(path, name, why) for why in names.qualified_name(name)]
    if "/" not in name and name not in _STANDARD and not name.startswith("hugepages-"):
        causes.append(invalid(path, name, "must be a standard resource type or fully qualified"))
        causes.append(invalid(path, name, "must be a standard resource for containers"))
    return causes


def _probe(probe: Obj | None, path: str) -> list[Cause]:
    if probe is None:
        return []
    causes = _handler(probe, path)
    for name in (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ):
        causes += non_negative(f"{path}.{name}", probe.get(name))
    if not path.endswith("readinessProbe") and probe.get("successThreshold") != 1:
        value = probe.get("successThreshold", 0)
        causes.append(invalid(f"{path}.successThreshold", value, "must be 1"))
    return causes


def _handler(handler: Obj, path: str) -> list[Cause]:
    present = [name for name in _HANDLERS if name in handler]
    if not present:
        return [required(path, "must specify a handler type")]
    causes = [
        forbidden(f"{path}.{name}", "may not specify more than 1 handler type")
        for name in present[1:]
    ]
    kind = present[0]
    found, where = handler[kind], f"{path}.{kind}"
    if kind == "exec" and not found.get("command"):
        causes.append(required(f"{where}.command"))
    if kind in ("httpGet", "tcpSocket", "grpc"):
        port = found.get("port", 0)
        reasons = names.port_name(port) if isinstance(port, str) else names.port_number(port)
        causes += [invalid(f"{where}.port", port, why) for why in reasons]
    if kind == "httpGet" and found.get("scheme") not in ("HTTP", "HTTPS"):
        value = found.get("scheme", "")
        causes.append(unsupported(f"{where}.scheme", value, ("HTTP", "HTTPS")))
    return causes


_GO_CONTEXT = (
    ("Capabilities", "capabilities"), ("Privileged", "privileged"),
    ("SELinuxOptions", "seLinuxOptions"), ("WindowsOptions", "windowsOptions"),
    ("RunAsUser", "runAsUser"), ("RunAsGroup", "runAsGroup"), ("RunAsNonRoot", "runAsNonRoot"),
    ("ReadOnlyRootFilesystem", "readOnlyRootFilesystem"),
    ("AllowPrivilegeEscalation", "allowPrivilegeEscalation"), ("ProcMount", "procMount"),
    ("SeccompProfile", "seccompProfile"), ("AppArmorProfile", "appArmorProfile"),
)  # fmt: skip


def _security(context: Obj, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in ("runAsUser", "runAsGroup"):
        value = context.get(name)
        if value is not None and not 0 <= value <= 2**31 - 1:
            causes.append(
                invalid(f"{path}.{name}", value, "must be between 0 and 2147483647, inclusive")
            )
    if context.get("allowPrivilegeEscalation") is False:
        shown = {go: context.get(name) for go, name in _GO_CONTEXT}
        added = (context.get("capabilities") or {}).get("add") or ()
        if context.get("privileged"):
            why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            causes.append(invalid(path, shown, why))
        if "CAP_SYS_ADMIN" in added:
            why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            causes.append(invalid(path, shown, why))
    return causes
