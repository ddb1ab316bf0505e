"""The road of every object into the store: owners, admission, strategy, validation, versions.

Create, update and patch end in `store_new` and `store_changed`. Invariant: nothing reaches the store
that was not normalised, defaulted and validated, and a write without effect keeps the version.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from drydock.cluster import hooks, strategy
from drydock.cluster.admission import admit, admit_change, validate_admission
from drydock.cluster.core import Core
from drydock.cluster.custom.defaulting import fill_in
from drydock.cluster.custom.warnings import finalizer_warnings
from drydock.cluster.defaulting import default
from drydock.cluster.errors import (
    Cause,
    InvalidError,
    Obj,
    already_exists,
    bad_request,
    conflict,
    internal,
)
from drydock.cluster.identity import generated, new_uid, now
from drydock.cluster.message import Request
from drydock.cluster.resources import Resource
from drydock.cluster.route import Target
from drydock.cluster.schema import Shape, normal
from drydock.cluster.server_side_apply import Writer, updated
from drydock.cluster.store import Key
from drydock.cluster.validation import validate_create, validate_update


@dataclass(frozen=True)
class Write:
    """One write request: what it is about and how it was asked for."""

    core: Core
    target: Target
    request: Request
    dry: bool

    @property
    def resource(self) -> Resource:
        """Return the resource that is written."""
        return self.target.resource

    def writer(self, operation: str = "Update") -> Writer:
        """Return the owner of what this request changes."""
        sub = self.target.subresource
        version = self.resource.group_version
        return Writer(self.request.manager, operation, version, sub)


def store_new(write: Write, obj: Obj, *, apply: bool = False) -> Obj:
    """Bring a new object into the store; returns it as stored."""
    core, resource = write.core, write.resource
    meta = obj["metadata"]
    if meta.get("resourceVersion"):
        raise internal("resourceVersion should not be set on objects to be created")
    _place(write, meta)
    shape = core.shape(resource)
    _default(shape, resource, obj)
    if not apply:
        empty = normal(shape, {})
        obj = updated(shape, empty, obj, write.writer(), strategy.reset_fields(resource, ""))
        meta = obj["metadata"]
    admit(write, obj)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = generated(meta["generateName"])
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"):
        meta.pop(name, None)
    meta["uid"], meta["creationTimestamp"] = new_uid(), now()
    strategy.prepare_create(core, resource, obj)
    obj = _clean(core, resource, obj)
    _raise(resource, obj, validate_create(core, resource, obj))
    if resource.custom:
        write.request.warnings += finalizer_warnings(obj, None)
    validate_admission(write, obj, None)
    key = core.key(resource, meta.get("namespace", ""), meta["name"])
    old = core.store.get(key)
    if old is not None:
        if "deletionTimestamp" in old["metadata"]:
            text = f'object is being deleted: {resource.about.qualified} "{meta["name"]}" already exists'
            raise already_exists(resource.about, meta["name"], text)
        raise already_exists(resource.about, meta["name"])
    if write.dry:
        return obj
    made = core.store.create(key, obj)
    hooks.stored(core, resource, made)
    return made


def store_changed(write: Write, old: Obj, new: Obj, *, apply: bool = False) -> Obj:
    """Bring a new state of an object into the store; returns what is stored then."""
    core, resource, sub = write.core, write.resource, write.target.subresource
    _same_object(write, old, new)
    _default(core.shape(resource), resource, new)
    meta, before = new["metadata"], old["metadata"]
    for name in ("uid", "creationTimestamp", "name", "namespace", "generateName"):
        if name in before:
            meta[name] = before[name]
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        meta.pop(name, None)
        if name in before:
            meta[name] = before[name]
    if apply:
        owned = new
    else:
        reset = strategy.reset_fields(resource, sub)
        owned = updated(core.shape(resource), old, new, write.writer(), reset)
    admit_change(write, owned, old)
    strategy.prepare_update(core, resource, sub, owned, old)
    owned = _clean(core, resource, owned)
    _raise(resource, owned, validate_update(core, resource, owned, old, sub))
    if resource.custom:
        write.request.warnings += finalizer_warnings(owned, old)
    validate_admission(write, owned, old)
    owned["metadata"].pop("resourceVersion", None)
    key = core.key(resource, before.get("namespace", ""), before["name"])
    if _without_version(old) == owned:
        return old
    if write.dry:
        return {
            **owned,
            "metadata": {**owned["metadata"], "resourceVersion": before["resourceVersion"]},
        }
    made = core.store.replace(key, owned)
    hooks.stored(core, resource, made)
    if gone(made):
        return remove(core, resource, key)
    return made


def gone(obj: Obj) -> bool:
    """Say whether nothing holds a deleted object any more."""
    meta = obj["metadata"]
    if "deletionTimestamp" not in meta or meta.get("finalizers"):
        return False
    if meta.get("deletionGracePeriodSeconds"):
        return False
    return not (obj["kind"] == "Namespace" and (obj.get("spec") or {}).get("finalizers"))


def remove(core: Core, resource: Resource, key: Key) -> Obj:
    """Take an object out of the store."""
    last = core.store.remove(key)
    hooks.removed(core, resource, last)
    return last


def deadline(seconds: float) -> str:
    """Return the time that lies some seconds ahead."""
    return datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _default(shape: Shape, resource: Resource, obj: Obj) -> None:
    if resource.custom:
        fill_in(shape.schema, obj)
    else:
        default(resource.qualified, obj)


def _place(write: Write, meta: Obj) -> None:
    namespace = write.target.namespace
    if write.resource.namespaced:
        if meta.get("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        meta["namespace"] = namespace
    else:
        meta.pop("namespace", None)


def _same_object(write: Write, old: Obj, new: Obj) -> None:
    """Refuse a write that means another object or another version of it."""
    meta, before, about = new["metadata"], old["metadata"], write.resource.about
    name = before["name"]
    if meta.get("uid", before["uid"]) != before["uid"]:
        where = f"{before['namespace']}/{name}" if "namespace" in before else name
        group = f"{write.resource.group}/" if write.resource.group else ""
        raise conflict(
            about,
            name,
            f"StorageError: invalid object, Code: 4, Key: /registry/{group}{about.plural}/{where},"
            " ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: "
            f"{meta['uid']}, UID in object meta: {before['uid']}",
        )
    version = meta.get("resourceVersion")
    if version and version != before["resourceVersion"]:
        raise conflict(about, name)


def _clean(core: Core, resource: Resource, obj: Obj) -> Obj:
    head = {"kind": resource.kind, "apiVersion": resource.group_version}
    body = normal(core.shape(resource), obj)
    meta = body.pop("metadata", {})
    return {**head, "metadata": meta, **{k: v for k, v in body.items() if k not in head}}


def _without_version(obj: Obj) -> Obj:
    meta = {name: one for name, one in obj["metadata"].items() if name != "resourceVersion"}
    return {**obj, "metadata": meta}


def _raise(resource: Resource, obj: Obj, causes: list[Cause]) -> None:
    if causes:
        meta = obj["metadata"]
        name = meta.get("name") or meta.get("generateName") or ""
        raise InvalidError(resource.kind, resource.group, name, causes)


__all__ = ["Write", "deadline", "gone", "remove", "store_changed", "store_new"]
