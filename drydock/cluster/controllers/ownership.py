"""Which dependents belong to an object: adopt what matches, let go of what no longer does.

Called by the workload controllers at the beginning of every sync. Invariant: an object has at most
one managing owner, and a controller only touches what it manages.
"""

from __future__ import annotations

from drydock.cluster.client import ApiError
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Informer
from drydock.cluster.controllers.meta import (
    controller_of,
    is_controlled_by,
    is_deleting,
    key_of,
    kind_of,
    labels_of,
    owner_reference,
    selects,
    uid_of,
)
from drydock.cluster.errors import Obj


async def claim(controller: Controller, owner: Obj, dependents: Informer) -> list[Obj]:
    """Return the dependents that `owner` manages, adoptions and releases done."""
    selector = owner["spec"].get("selector")
    managed = []
    for one in dependents.in_namespace(key_of(owner)[0]):
        matches = selects(selector, labels_of(one))
        reference = controller_of(one)
        if is_controlled_by(one, owner):
            if matches or is_deleting(owner):
                managed.append(one)
            elif not is_deleting(one):
                await _release(controller, owner, one)
        elif reference is None and matches and not is_deleting(owner) and not is_deleting(one):
            adopted = await _adopt(controller, owner, one)
            if adopted is not None:
                managed.append(adopted)
    return managed


async def _adopt(controller: Controller, owner: Obj, one: Obj) -> Obj | None:
    reference = owner_reference(owner, owner["apiVersion"], owner["kind"])
    others = one["metadata"].get("ownerReferences") or []
    meta = {**one["metadata"], "ownerReferences": [*others, reference]}
    return await _write(controller, {**one, "metadata": meta})


async def _release(controller: Controller, owner: Obj, one: Obj) -> None:
    others = [
        reference
        for reference in one["metadata"].get("ownerReferences") or []
        if reference["uid"] != uid_of(owner)
    ]
    await _write(controller, {**one, "metadata": {**one["metadata"], "ownerReferences": others}})


async def _write(controller: Controller, one: Obj) -> Obj | None:
    namespace, name = key_of(one)
    try:
        change = {
            "metadata": {
                "uid": uid_of(one),
                "resourceVersion": one["metadata"]["resourceVersion"],
                "ownerReferences": one["metadata"]["ownerReferences"],
            }
        }
        written = await controller.client.patch(kind_of(one), namespace, name, change)
    except ApiError as error:
        if error.code in (404, 409):
            return None
        raise
    controller.cache[kind_of(one)].observe(written)
    return written
