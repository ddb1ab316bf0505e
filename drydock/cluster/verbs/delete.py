"""DELETE of an object or a collection: preconditions, grace, finalizers, propagation."""

from __future__ import annotations

from drydock.cluster import hooks
from drydock.cluster.core import Core
from drydock.cluster.errors import (
    Cause,
    Group,
    Obj,
    bad_request,
    conflict,
    forbidden,
    not_found,
)
from drydock.cluster.go_json import GoJsonError, loads
from drydock.cluster.go_text import quoted
from drydock.cluster.message import Request, Response
from drydock.cluster.protobuf import PROTOBUF, decode_protobuf
from drydock.cluster.resources import Resource
from drydock.cluster.route import Target
from drydock.cluster.verbs import options
from drydock.cluster.verbs.read import listed, selected
from drydock.cluster.verbs.write import Write, deadline, gone, remove

_RETURNED = {"pods", "services", "serviceaccounts", "persistentvolumes", "persistentvolumeclaims",
             "podtemplates", "resourcequotas"}  # fmt: skip
_ORPHANING = {"jobs.batch", "replicationcontrollers"}
"""Kinds of old whose pods stay unless the caller says otherwise."""
_JOB_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to"
    " remove them or set propagationPolicy=Orphan to suppress this warning"
)
IMMORTAL = {"default", "kube-public", "kube-system"}
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


def delete(core: Core, target: Target, request: Request) -> Response:
    """Delete one object; answers a Status, or the object while something still holds it."""
    given = delete_options(request)
    dry = _dry(request, given)
    write = Write(core, target, request, dry)
    key = core.key(target.resource, target.namespace, target.name)
    old = core.store.get(key)
    if old is None:
        raise not_found(target.resource.about, target.name)
    if target.resource.qualified == "jobs.batch" and not _says_what_follows(given):
        request.warnings = [*request.warnings, _JOB_WARNING]
    if target.resource.qualified == "namespaces" and target.name in IMMORTAL:
        raise forbidden(target.resource.about, target.name, "this namespace may not be deleted")
    left, removed = delete_object(write, old, given)
    if not removed or target.resource.qualified in _RETURNED:
        return Response(200, left, warnings=request.warnings)
    return Response(200, _success(target.resource, old), warnings=request.warnings)


def delete_collection(core: Core, target: Target, request: Request) -> Response:
    """Delete everything a selector finds; answers the list."""
    given = delete_options(request)
    dry = _dry(request, given)
    found = selected(core, target, request)
    for obj in found:
        meta = obj["metadata"]
        one = Target(target.resource, meta.get("namespace", ""), meta["name"], "", "delete")
        delete_object(Write(core, one, request, dry), obj, given)
    return Response(200, listed(core, target.resource, found, ""))


def delete_options(request: Request) -> Obj:
    """Read DeleteOptions from body and query."""
    found: Obj = {}
    if isinstance(request.body, dict):
        found = dict(request.body)
    elif isinstance(request.body, bytes) and request.body:
        if request.content_type == PROTOBUF:
            found = decode_protobuf(request.body)
        else:
            try:
                found = loads(request.body.decode("utf-8", "replace"))
            except GoJsonError as error:
                raise bad_request(str(error)) from error
    if not isinstance(found, dict):
        raise bad_request("expected DeleteOptions")
    for name in ("propagationPolicy", "orphanDependents"):
        if name in request.query:
            text = request.query[name]
            found.setdefault(name, text == "true" if name == "orphanDependents" else text)
    grace = options.whole_number(request, "gracePeriodSeconds")
    if grace is not None:
        found.setdefault("gracePeriodSeconds", grace)
    policy = found.get("propagationPolicy")
    if policy not in (None, "", "Foreground", "Background", "Orphan"):
        known = ["Foreground", "Background", "Orphan", "nil"]
        raise options.options_error(
            "DeleteOptions", options.unsupported("propagationPolicy", policy, known)
        )
    if found.get("orphanDependents") is not None and policy:
        why = "orphanDependents and deletionPropagation cannot be both set"
        text = f"Invalid value: {quoted(policy)}: {why}"
        raise options.options_error(
            "DeleteOptions", Cause("propagationPolicy", "FieldValueInvalid", text)
        )
    return found


def delete_object(write: Write, old: Obj, given: Obj) -> tuple[Obj, bool]:
    """Mark or remove an object; return what is left and whether it is gone."""
    core, resource = write.core, write.resource
    _preconditions(resource, old, given.get("preconditions") or {})
    meta = dict(old["metadata"])
    _propagate(resource, meta, given)
    grace = _grace(resource, old, given)
    if "deletionTimestamp" in meta:
        left = meta.get("deletionGracePeriodSeconds", 0)
        grace = min(grace, left)
    new = {**old, "metadata": meta}
    if "deletionTimestamp" not in meta or grace < meta.get("deletionGracePeriodSeconds", 0):
        meta["deletionTimestamp"] = deadline(grace)
        if resource.qualified != "namespaces":
            meta["deletionGracePeriodSeconds"] = grace
        if resource.qualified == "pods" or resource.custom:
            meta["generation"] = meta.get("generation", 0) + 1
    if resource.qualified == "namespaces":
        new["status"] = {**old["status"], "phase": "Terminating"}
    key = core.key(resource, meta.get("namespace", ""), meta["name"])
    if write.dry:
        return old, gone(new) and grace == 0
    if gone(new):
        return remove(core, resource, key), True
    if {**new["metadata"], "resourceVersion": ""} == {**old["metadata"], "resourceVersion": ""}:
        return old, False
    made = core.store.replace(key, new)
    hooks.stored(core, resource, made)
    return made, False


def _says_what_follows(given: Obj) -> bool:
    return bool(given.get("propagationPolicy")) or given.get("orphanDependents") is not None


def _dry(request: Request, given: Obj) -> bool:
    values = [*request.queries.get("dryRun", []), *(given.get("dryRun") or [])]
    values = [value for value in values if value]
    options.check_dry_run(values, "DeleteOptions")
    return bool(values)


def _preconditions(resource: Resource, old: Obj, wanted: Obj) -> None:
    meta = old["metadata"]
    about = Group(resource.kind, resource.group)
    texts = {
        "uid": (
            "UID",
            "The object might have been deleted and then recreated",
        ),
        "resourceVersion": ("ResourceVersion", "The object might have been modified"),
    }
    for name, (word, tail) in texts.items():
        value = wanted.get(name)
        if value and value != meta[name]:
            raise conflict(
                about,
                meta["name"],
                f"the {word} in the precondition ({value}) does not match the {word} in record"
                f" ({meta[name]}). {tail}",
            )


def _grace(resource: Resource, old: Obj, given: Obj) -> int:
    """Return the seconds a pod gets to end (less than none means one); everything else goes at once."""
    if resource.qualified != "pods":
        return 0
    spec, status = old["spec"], old.get("status") or {}
    wish = given.get("gracePeriodSeconds")
    grace = int(wish if wish is not None else spec.get("terminationGracePeriodSeconds", 30))
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    return grace if grace >= 0 else 1


def _propagate(resource: Resource, meta: Obj, given: Obj) -> None:
    policy = given.get("propagationPolicy") or None
    if given.get("orphanDependents") is True:
        policy = "Orphan"
    finalizers = [f for f in meta.get("finalizers") or () if f not in (FOREGROUND, ORPHAN)]
    had = [f for f in meta.get("finalizers") or () if f in (FOREGROUND, ORPHAN)]
    if policy == "Foreground":
        finalizers.append(FOREGROUND)
    elif policy == "Orphan":
        finalizers.append(ORPHAN)
    elif policy is None and given.get("orphanDependents") is None:
        finalizers += had or ([ORPHAN] if resource.qualified in _ORPHANING else [])
    meta.pop("finalizers", None)
    if finalizers:
        meta["finalizers"] = finalizers


def _success(resource: Resource, old: Obj) -> Obj:
    details: Obj = {"name": old["metadata"]["name"]}
    if resource.group:
        details["group"] = resource.group
    details |= {"kind": resource.plural, "uid": old["metadata"]["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }
