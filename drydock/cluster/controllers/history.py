"""ControllerRevisions: the remembered templates of StatefulSets and DaemonSets.

Invariant: the present template has exactly one revision and it has the highest number; going back to
an old template raises that revision's number instead of making another.
"""

from __future__ import annotations

from collections.abc import Iterable

from drydock.cluster.client import ApiError
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.meta import (
    is_controlled_by,
    key_of,
    owner_reference,
)
from drydock.cluster.controllers.template import template_hash
from drydock.cluster.errors import Obj

KIND = "apps/v1/ControllerRevision"
LABEL = "controller-revision-hash"


def revisions_of(controller: Controller, owner: Obj) -> list[Obj]:
    """Return the revisions of an object, oldest number first."""
    held = controller.cache[KIND].in_namespace(key_of(owner)[0])
    return sorted(
        (one for one in held if is_controlled_by(one, owner)), key=lambda one: one["revision"]
    )


async def current_revision(controller: Controller, owner: Obj) -> Obj:
    """Return the revision of the present template, made or renumbered when needed."""
    revisions = revisions_of(controller, owner)
    data = _data(owner)
    highest = revisions[-1]["revision"] if revisions else 0
    for one in revisions:
        if one["data"] != data:
            continue
        if one["revision"] == highest:
            return one
        return await controller.update({**one, "revision": highest + 1})
    return await _make(controller, owner, data, highest + 1)


async def forget_revisions(controller: Controller, owner: Obj, used: Iterable[str]) -> None:
    """Delete the oldest revisions beyond the history limit that nothing uses."""
    limit = owner["spec"].get("revisionHistoryLimit", 10)
    names = set(used)
    unused = [
        one for one in revisions_of(controller, owner) if one["metadata"]["name"] not in names
    ]
    for one in unused[: max(0, len(unused) - limit)]:
        await controller.delete(one)


async def _make(controller: Controller, owner: Obj, data: Obj, number: int) -> Obj:
    namespace, name = key_of(owner)
    template = owner["spec"]["template"]
    collisions = (owner.get("status") or {}).get("collisionCount")
    short = template_hash(template, collisions)
    kind = owner["kind"]
    made = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{name}-{short}",
            "namespace": namespace,
            "labels": {**(template.get("metadata") or {}).get("labels", {}), LABEL: short},
            "ownerReferences": [owner_reference(owner, "apps/v1", kind)],
        },
        "data": data,
        "revision": number,
    }
    try:
        return await controller.create(made)
    except ApiError as error:
        if error.code != 409:
            raise
        held = await controller.client.get(KIND, namespace, f"{name}-{short}")
        if is_controlled_by(held, owner) and held["data"] == data:
            controller.cache[KIND].observe(held)
            return held
        status = dict(owner.get("status") or {})
        status["collisionCount"] = status.get("collisionCount", 0) + 1
        await controller.update_status(owner, status)
        raise


def _data(owner: Obj) -> Obj:
    """Return the patch that brings the template back."""
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}
