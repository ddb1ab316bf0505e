"""What single kinds add to an object before it is stored.

`CREATE` and `UPDATE` are looked up by the package for every write of that kind.
"""

from __future__ import annotations

from drydock.cluster import allocation
from drydock.cluster.core import Core
from drydock.cluster.errors import Obj
from drydock.cluster.identity import now
from drydock.cluster.strategy import pods


def _pod(_core: Core, obj: Obj) -> None:
    pods.begin(obj)


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


CREATE = {
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
UPDATE = {
    "pods": _pod_update,
    "namespaces": _namespace_update,
    "daemonsets.apps": _daemon_set_update,
    "services": _service_update,
}
