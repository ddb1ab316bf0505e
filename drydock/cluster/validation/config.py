"""Rules for ConfigMaps, Secrets, Leases, claims and definitions."""

from __future__ import annotations

import base64

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.go_json import GoJsonError, loads
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import (
    IMMUTABLE,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from drydock.cluster.validation.registry import rule, update_rule

_MOST = 1024 * 1024
_FROZEN = "field is immutable when `immutable` is set"
_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


@rule("configmaps")
def config_map(obj: Obj) -> list[Cause]:
    """Check keys and size of a ConfigMap."""
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    causes: list[Cause] = []
    for key in data:
        causes += [invalid(f"data[{key}]", key, why) for why in names.config_key(key)]
        if key in binary:
            causes.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    for key in binary:
        causes += [invalid(f"binaryData[{key}]", key, why) for why in names.config_key(key)]
    size = sum(len(value.encode()) for value in data.values())
    size += sum(_size(value) for value in binary.values())
    if size > _MOST:
        causes.append(too_long("[]", _MOST))
    return causes


@update_rule("configmaps")
def config_map_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that immutable data stay."""
    if not old.get("immutable"):
        return []
    causes = [] if new.get("immutable") else [forbidden("immutable", _FROZEN)]
    return causes + [
        forbidden(name, _FROZEN)
        for name in ("data", "binaryData")
        if new.get(name) != old.get(name)
    ]


_TYPED = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


@rule("secrets")
def secret(obj: Obj) -> list[Cause]:
    """Check keys, size and what the type asks for."""
    data, kind = obj.get("data") or {}, obj.get("type")
    causes: list[Cause] = []
    for key in data:
        causes += [invalid(f"data[{key}]", key, why) for why in names.config_key(key)]
    if sum(_size(value) for value in data.values()) > _MOST:
        causes.append(too_long("data", _MOST))
    if kind == "kubernetes.io/service-account-token":
        owner = "kubernetes.io/service-account.name"
        if not (obj["metadata"].get("annotations") or {}).get(owner):
            causes.append(required(f"metadata.annotations[{owner}]"))
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        causes += [required("data[username]"), required("data[password]")]
    needed = _TYPED.get(str(kind), ())
    causes += [required(f"data[{key}]") for key in needed if key not in data]
    for key in (".dockerconfigjson", ".dockercfg"):
        if key in _TYPED.get(str(kind), ()) and key in data:
            try:
                loads(base64.b64decode(data[key]).decode("utf-8", "replace"))
            except GoJsonError as error:
                causes.append(invalid(f"data[{key}]", "<secret contents redacted>", str(error)))
    return causes


@update_rule("secrets")
def secret_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that the type and immutable data stay."""
    causes: list[Cause] = []
    if new.get("type") != old.get("type"):
        causes.append(invalid("type", new.get("type"), IMMUTABLE))
    if old.get("immutable"):
        if not new.get("immutable"):
            causes.append(forbidden("immutable", _FROZEN))
        if new.get("data") != old.get("data"):
            causes.append(forbidden("data", _FROZEN))
    return causes


@rule("leases.coordination.k8s.io")
def lease(obj: Obj) -> list[Cause]:
    """Check the numbers of a Lease."""
    spec = obj.get("spec") or {}
    causes: list[Cause] = []
    seconds, changes = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        causes.append(invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    if changes is not None and changes < 0:
        why = "must be greater than or equal to 0"
        causes.append(invalid("spec.leaseTransitions", changes, why))
    return causes


@rule("persistentvolumeclaims")
def claim(obj: Obj) -> list[Cause]:
    """Check a claim."""
    spec = obj["spec"]
    modes = spec.get("accessModes") or []
    causes: list[Cause] = []
    if not modes:
        causes.append(required("spec.accessModes", "at least 1 access mode is required"))
    causes += [unsupported("spec.accessModes", m, _MODES) for m in modes if m not in _MODES]
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        causes.append(required("spec.resources[storage]"))
    return causes


@update_rule("persistentvolumeclaims")
def claim_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that only the size and the volume change."""
    free = {"resources", "volumeName", "volumeAttributesClassName"}
    mine = {k: v for k, v in new["spec"].items() if k not in free}
    theirs = {k: v for k, v in old["spec"].items() if k not in free}
    if mine == theirs:
        return []
    why = (
        "spec is immutable after creation except resources.requests and volumeAttributesClassName"
        " for bound claims"
    )
    return [forbidden("spec", why)]


@rule("customresourcedefinitions.apiextensions.k8s.io")
def definition(obj: Obj) -> list[Cause]:
    """Check name and schemas of a definition."""
    spec = obj["spec"]
    causes: list[Cause] = []
    wanted = f"{spec['names'].get('plural', '')}.{spec.get('group', '')}"
    name = obj["metadata"].get("name", "")
    if name != wanted:
        causes.append(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    for at, version in enumerate(spec.get("versions") or ()):
        if "openAPIV3Schema" not in (version.get("schema") or {}):
            causes.append(required(f"spec.versions[{at}].schema.openAPIV3Schema"))
    return causes


def _size(encoded: str) -> int:
    return len(base64.b64decode(encoded))
