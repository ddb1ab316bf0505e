"""What a kind does to an object before it is stored: generation, status, allocated values.

The write verbs call `prepare_create` and `prepare_update`. Invariant: the status is written only
through its subresource, everything else only through the main path.
"""

from __future__ import annotations

from drydock.cluster import allocation
from drydock.cluster.core import Core
from drydock.cluster.errors import Obj
from drydock.cluster.identity import now
from drydock.cluster.quantity import amount
from drydock.cluster.resources import Resource
from drydock.cluster.schema import normal
from drydock.cluster.server_side_apply.fields import FieldSet

CREATED_BY_UPDATE = frozenset(
    {
        "leases.coordination.k8s.io",
        "endpoints",
        "events",
        "limitranges",
        "services",
        "roles.rbac.authorization.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "clusterrolebindings.rbac.authorization.k8s.io",
    }
)
"""Kinds that a PUT creates when they are absent."""

_GENERATION = frozenset(
    {
        "deployments.apps",
        "replicasets.apps",
        "statefulsets.apps",
        "daemonsets.apps",
        "replicationcontrollers",
        "jobs.batch",
        "cronjobs.batch",
        "pods",
        "poddisruptionbudgets.policy",
        "ingresses.networking.k8s.io",
        "ingressclasses.networking.k8s.io",
        "networkpolicies.networking.k8s.io",
        "endpointslices.discovery.k8s.io",
        "priorityclasses.scheduling.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    }
)
_OUTSIDE = ("metadata", "status", "kind", "apiVersion")


def reset_fields(resource: Resource, subresource: str) -> FieldSet:
    """Return the fields that a path of the API does not write, for the owners."""
    if subresource == "status":
        return FieldSet({"f:spec"})
    if resource.subresource("status") is not None and resource.qualified != "namespaces":
        return FieldSet({"f:status"})
    return FieldSet()


def has_generation(resource: Resource) -> bool:
    """Say whether objects of a kind count the changes of their wish."""
    return resource.custom or resource.qualified in _GENERATION


def prepare_create(core: Core, resource: Resource, obj: Obj) -> None:
    """Make a new object what its kind starts as, in place."""
    if has_generation(resource):
        obj["metadata"]["generation"] = 1
    if resource.subresource("status") is not None:
        obj.pop("status", None)
        fresh = normal(core.shape(resource), {}).get("status")
        if fresh is not None:
            obj["status"] = fresh
    special = _CREATE.get(resource.qualified)
    if special is not None:
        special(core, obj)


def prepare_update(core: Core, resource: Resource, subresource: str, new: Obj, old: Obj) -> None:
    """Keep what this path may not change and count the generation, in place."""
    if subresource == "status":
        _status_update(resource, new, old)
        return
    if subresource in ("finalize", "approval"):
        _keep(new, old, "status")
        return
    if subresource == "ephemeralcontainers":
        guests = new["spec"].get("ephemeralContainers")
        new["spec"] = {**old["spec"], **({"ephemeralContainers": guests} if guests else {})}
    if subresource == "resize":
        new["spec"] = _resized(new["spec"], old["spec"])
    if resource.subresource("status") is not None:
        _keep(new, old, "status")
    special = _UPDATE.get(resource.qualified)
    if special is not None:
        special(core, new, old)
    if has_generation(resource) and _wish_changed(resource, new, old):
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def _resized(new: Obj, old: Obj) -> Obj:
    """Return a pod's spec with the resources that were asked for, and nothing else that is new."""
    made = dict(old)
    for kind in ("initContainers", "containers"):
        wanted = {one["name"]: one.get("resources") for one in new.get(kind) or ()}
        if kind in old:
            made[kind] = [
                {**one, "resources": wanted[one["name"]]} if wanted.get(one["name"]) else one
                for one in old[kind]
            ]
    return made


def _status_update(resource: Resource, new: Obj, old: Obj) -> None:
    for name in {**old, **new}:
        if name not in _OUTSIDE:
            _keep(new, old, name)
    meta, before = new["metadata"], old["metadata"]
    if resource.custom:
        kept = {"managedFields": meta.get("managedFields")}
        meta.clear()
        meta.update({k: v for k, v in before.items() if k != "managedFields"})
        if kept["managedFields"]:
            meta["managedFields"] = kept["managedFields"]
        return
    for name in ("ownerReferences", "finalizers"):
        meta.pop(name, None)
        if name in before:
            meta[name] = before[name]
    if resource.group == "apps" and "labels" in before:
        meta["labels"] = before["labels"]


def _keep(new: Obj, old: Obj, name: str) -> None:
    new.pop(name, None)
    if name in old:
        new[name] = old[name]


def _wish_changed(resource: Resource, new: Obj, old: Obj) -> bool:
    wish = {name: one for name, one in new.items() if name not in _OUTSIDE}
    before = {name: one for name, one in old.items() if name not in _OUTSIDE}
    if wish != before:
        return True
    if resource.qualified == "deployments.apps":
        return (new["metadata"].get("annotations") or {}) != (
            old["metadata"].get("annotations") or {}
        )
    return False


# What single kinds add.


def _pod(_core: Core, obj: Obj) -> None:
    obj["status"] = {"phase": "Pending", "qosClass": qos(obj["spec"])}
    if obj["spec"].get("schedulingGates"):
        obj["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": None,
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "observedGeneration": 1,
            }
        ]


def qos(spec: Obj) -> str:
    """Return the quality of service class of a pod."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    asked = [
        (kind, name, amount(value))
        for c in containers
        for kind in ("requests", "limits")
        for name, value in ((c.get("resources") or {}).get(kind) or {}).items()
        if name in ("cpu", "memory") and amount(value)
    ]
    if not asked:
        return "BestEffort"
    for c in containers:
        resources = c.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for name in ("cpu", "memory"):
            if name not in limits or requests.get(name, limits[name]) != limits[name]:
                return "Burstable"
    return "Guaranteed"


def _namespace(_core: Core, obj: Obj) -> None:
    obj["status"] = {"phase": "Active"}
    finalizers = obj["spec"].get("finalizers") or []
    if "kubernetes" not in finalizers:
        obj["spec"]["finalizers"] = [*finalizers, "kubernetes"]


def _claim(_core: Core, obj: Obj) -> None:
    obj["status"] = {"phase": "Pending"}
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if "kubernetes.io/pvc-protection" not in finalizers:
        finalizers.append("kubernetes.io/pvc-protection")


def _volume(_core: Core, obj: Obj) -> None:
    obj["status"] = {"phase": "Pending"}
    obj["metadata"].setdefault("finalizers", ["kubernetes.io/pv-protection"])


def _job(_core: Core, obj: Obj) -> None:
    spec, meta = obj["spec"], obj["metadata"]
    if spec.get("manualSelector"):
        return
    uid, name = meta["uid"], meta["name"]
    template = spec["template"]["metadata"]
    labels = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    template["labels"] = {**(template.get("labels") or {}), **labels}
    meta.setdefault("labels", dict(template["labels"]))
    spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})


def _daemon_set(_core: Core, obj: Obj) -> None:
    _template_generation(obj, 1)


def _template_generation(obj: Obj, number: int) -> None:
    notes = obj["metadata"].setdefault("annotations", {})
    notes["deprecated.daemonset.template.generation"] = str(number)


def _daemon_set_update(_core: Core, new: Obj, old: Obj) -> None:
    changed = new["spec"].get("template") != old["spec"].get("template")
    notes = old["metadata"].get("annotations") or {}
    number = int(notes.get("deprecated.daemonset.template.generation", "1"))
    _template_generation(new, number + 1 if changed else number)


def _service(core: Core, obj: Obj) -> None:
    allocation.allocate(core, obj, None)


def _service_update(core: Core, new: Obj, old: Obj) -> None:
    allocation.allocate(core, new, old)


def _definition(_core: Core, obj: Obj) -> None:
    stored = next((v["name"] for v in obj["spec"].get("versions") or () if v.get("storage")), None)
    obj["status"] = {
        "conditions": None,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": [stored] if stored else None,
    }


def _signing_request(_core: Core, obj: Obj) -> None:
    obj["status"] = {}


def _pod_update(_core: Core, new: Obj, old: Obj) -> None:
    new["status"] = old["status"]


def _namespace_update(_core: Core, new: Obj, old: Obj) -> None:
    new["spec"]["finalizers"] = (old["spec"].get("finalizers") or [])[:] or None
    if new["spec"]["finalizers"] is None:
        del new["spec"]["finalizers"]


def _api_service(_core: Core, obj: Obj) -> None:
    condition = {
        "type": "Available",
        "status": "True",
        "reason": "Local",
        "lastTransitionTime": now(),
    }
    condition["message"] = "Local APIServices are always available"
    obj["status"] = {"conditions": [condition]}


_CREATE = {
    "pods": _pod,
    "namespaces": _namespace,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume,
    "jobs.batch": _job,
    "daemonsets.apps": _daemon_set,
    "services": _service,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
    "certificatesigningrequests.certificates.k8s.io": _signing_request,
    "apiservices.apiregistration.k8s.io": _api_service,
}
_UPDATE = {
    "pods": _pod_update,
    "namespaces": _namespace_update,
    "daemonsets.apps": _daemon_set_update,
    "services": _service_update,
}
