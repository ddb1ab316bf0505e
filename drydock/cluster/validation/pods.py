"""Rules for pods and pod templates."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import (
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from drydock.cluster.validation.containers import check_containers, check_resources
from drydock.cluster.validation.metadata import check_labels, labels
from drydock.cluster.validation.placement import names_of_hosts, neighbours
from drydock.cluster.validation.registry import rule, update_rule

RESTART = ("Always", "Never", "OnFailure")
_DNS = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_MOST_ID = 2**31 - 1
_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions"
    " to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it"
    " was previously negative)"
)


@rule("pods")
def pod(obj: Obj) -> list[Cause]:
    """Check a new pod."""
    causes = pod_spec(obj["spec"], "spec")
    if obj["spec"].get("ephemeralContainers"):
        causes.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
    return causes


@rule("podtemplates")
def pod_template_object(obj: Obj) -> list[Cause]:
    """Check a stored template."""
    return template(obj["template"], "template")


@update_rule("pods")
def pod_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that only images, deadline and added tolerations change."""
    after, before = dict(new["spec"]), dict(old["spec"])
    for name in ("containers", "initContainers"):
        mine, theirs = after.get(name) or [], before.get(name) or []
        if len(mine) == len(theirs) and name in after:
            after[name] = [
                {**one, "image": other.get("image")}
                for one, other in zip(mine, theirs, strict=True)
            ]
            before[name] = [{**one, "image": one.get("image")} for one in theirs]
    for name in ("activeDeadlineSeconds", "schedulingGates"):
        after.pop(name, None)
        before.pop(name, None)
    added, kept = after.pop("tolerations", None) or [], before.pop("tolerations", None) or []
    if after != before or any(one not in added for one in kept):
        return [forbidden("spec", _MUTABLE + "\n")]
    causes = _gates(new["spec"], old["spec"])
    for at, one in enumerate(new["spec"]["containers"]):
        if not one.get("image"):
            causes.append(required(f"spec.containers[{at}].image"))
    return causes


def resized(new: Obj) -> list[Cause]:
    """Check the resources that a resize asks for."""
    return [
        cause
        for kind in ("containers", "initContainers")
        for at, one in enumerate(new["spec"].get(kind) or ())
        for cause in check_resources(one.get("resources") or {}, f"spec.{kind}[{at}].resources")
    ]


def _gates(spec: Obj, before: Obj) -> list[Cause]:
    """Check that scheduling gates only go."""
    held = {one.get("name") for one in before.get("schedulingGates") or ()}
    added = [one for one in spec.get("schedulingGates") or () if one.get("name") not in held]
    return [
        forbidden(
            "spec.schedulingGates",
            f"only deletion is allowed, but found new scheduling gate '{one.get('name', '')}'",
        )
        for one in added
    ]


def template(found: Obj, path: str) -> list[Cause]:
    """Check metadata and spec of a template."""
    meta = found.get("metadata") or {}
    return check_labels(meta, f"{path}.metadata") + pod_spec(
        found.get("spec") or {}, f"{path}.spec"
    )


def pod_spec(spec: Obj, path: str) -> list[Cause]:
    """Check a pod's spec, in the order of a server."""
    causes, volumes = _volumes(spec.get("volumes") or (), f"{path}.volumes")
    containers = spec.get("containers") or []
    if not containers:
        causes.append(required(f"{path}.containers"))
    seen: set[str] = set()
    grace = max(spec.get("terminationGracePeriodSeconds", 30), 1)
    for name, found in (("containers", containers), ("initContainers", spec.get("initContainers"))):
        causes += check_containers(found or [], f"{path}.{name}", volumes, seen, grace=grace)
    for name, known in (("restartPolicy", RESTART), ("dnsPolicy", _DNS)):
        if spec.get(name) not in known:
            causes.append(unsupported(f"{path}.{name}", spec.get(name, ""), known))
    causes += labels(spec.get("nodeSelector"), f"{path}.nodeSelector")
    causes += _security(spec.get("securityContext") or {}, f"{path}.securityContext")
    for at, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            causes.append(required(f"{path}.imagePullSecrets[{at}].name"))
    for name, reasons in (
        ("serviceAccountName", names.dns_subdomain),
        ("nodeName", names.dns_subdomain),
        ("hostname", names.dns_label),
        ("subdomain", names.dns_label),
    ):
        value = spec.get(name)
        if value:
            causes += [invalid(f"{path}.{name}", value, why) for why in reasons(value)]
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MOST_ID:
        why = f"must be between 1 and {_MOST_ID}, inclusive"
        causes.append(invalid(f"{path}.activeDeadlineSeconds", deadline, why))
    causes += _tolerations(spec.get("tolerations") or (), f"{path}.tolerations")
    return causes + names_of_hosts(spec, path) + neighbours(spec, path)


def _security(context: Obj, path: str) -> list[Cause]:
    causes = []
    for name in ("runAsUser", "runAsGroup", "fsGroup"):
        value = context.get(name)
        if value is not None and not 0 <= value <= _MOST_ID:
            why = f"must be between 0 and {_MOST_ID}, inclusive"
            causes.append(invalid(f"{path}.{name}", value, why))
    return causes


def _tolerations(found: Sequence[Obj], path: str) -> list[Cause]:
    causes = []
    for at, one in enumerate(found):
        where = f"{path}[{at}]"
        key, operator = one.get("key", ""), one.get("operator", "")
        if key:
            causes += [invalid(f"{where}.key", key, why) for why in names.qualified_name(key)]
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            causes.append(invalid(f"{where}.operator", operator, why))
        if one.get("tolerationSeconds") is not None and one.get("effect") != "NoExecute":
            why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            causes.append(invalid(f"{where}.effect", one.get("effect", ""), why))
        if operator not in ("", "Equal", "Exists"):
            causes.append(unsupported(f"{where}.operator", operator, ("Equal", "Exists")))
        elif operator == "Exists" and one.get("value"):
            why = "value must be empty when `operator` is 'Exists'"
            causes.append(invalid(f"{where}.operator", one, why))
    return causes


_SOURCES = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs",
    "iscsi", "glusterfs", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "flocker",
    "downwardAPI", "fc", "azureFile", "configMap", "vsphereVolume", "photonPersistentDisk",
    "portworxVolume", "azureDisk", "storageos", "scaleIO", "projected", "csi", "ephemeral", "image",
)  # fmt: skip
_NEEDED = {
    "secret": "secretName",
    "configMap": "name",
    "hostPath": "path",
    "persistentVolumeClaim": "claimName",
}


def _volumes(found: Sequence[Obj], path: str) -> tuple[list[Cause], dict[str, Obj]]:
    causes: list[Cause] = []
    known: dict[str, Obj] = {}
    for at, volume in enumerate(found):
        where, name = f"{path}[{at}]", volume.get("name") or ""
        mine = _source(volume, where)
        if not name:
            mine.append(required(f"{where}.name"))
        else:
            mine += [invalid(f"{where}.name", name, why) for why in names.dns_label(name)]
            if name in known:
                mine.append(duplicate(f"{where}.name", name))
        if not mine:
            known[name] = volume
        causes += mine
    return causes, known


def _source(volume: Obj, path: str) -> list[Cause]:
    present = [name for name in _SOURCES if name in volume]
    if not present:
        return [required(path, "must specify a volume type")]
    causes = [
        forbidden(f"{path}.{name}", "may not specify more than 1 volume type")
        for name in present[1:]
    ]
    kind = present[0]
    needed = _NEEDED.get(kind)
    if needed and not volume[kind].get(needed):
        causes.append(required(f"{path}.{kind}.{needed}"))
    if kind == "hostPath" and ".." in re.split(r"/", volume[kind].get("path") or ""):
        where = f"{path}.hostPath.path"
        causes.append(invalid(where, volume[kind]["path"], "must not contain '..'"))
    return causes
