"""The garbage collector: what an owner leaves behind goes with it.

It follows every kind the API serves, custom ones included. Invariant: an object goes when all its
owners are gone; a foreground deletion ends after the last blocking dependent, an orphaning one
after the dependents have lost their reference.
"""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, is_deleting, key_of, kind_of, uid_of
from drydock.cluster.controllers.queue import WorkQueue
from drydock.cluster.errors import Obj

log = logging.getLogger(__name__)

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
NOT_FOLLOWED = {"v1/Event", "events.k8s.io/v1/Event"}
Item = tuple[str, str, str]
"""Kind, namespace, name."""


class GarbageCollector(Controller):
    """Deletes dependents of absent owners and works off the two deletion finalizers."""

    name: ClassVar[str] = "garbage-collector"
    kind: ClassVar[str] = "apiextensions.k8s.io/v1/CustomResourceDefinition"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.work: WorkQueue[Item] = WorkQueue()
        self._kinds: dict[str, bool] = {}

    async def sync(self, key: Key) -> None:  # noqa: ARG002
        """Follow the kinds that a custom resource definition adds or takes away."""
        await self._follow_kinds()

    async def run(self) -> None:
        """Follow all kinds and collect until cancelled."""
        await self._follow_kinds()
        async with asyncio.TaskGroup() as group:
            group.create_task(super().run(), name="garbage kinds")
            for number in range(self.workers):
                group.create_task(self._collect_all(), name=f"garbage worker {number}")

    async def _follow_kinds(self) -> None:
        served = {
            kind.name: kind.namespaced
            for kind in await self.client.kinds()
            if kind.name not in NOT_FOLLOWED
        }
        for gone in self._kinds.keys() - served.keys():
            await self.cache.stop(gone)
        new = served.keys() - self._kinds.keys()
        self._kinds = served
        for kind in new:
            self.cache[kind].on_change(self._changed)
        await self.cache.start(new)

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None:
            if old is not None:
                self._wake_dependents(uid_of(old))
                self._wake_owners(old)
            return
        if is_deleting(new) or new["metadata"].get("ownerReferences"):
            self.work.add(_item(new))
        if old is not None and old["metadata"].get("ownerReferences"):
            self._wake_owners(old)

    def _wake_dependents(self, uid: str) -> None:
        for dependent in self._dependents(uid):
            self.work.add(_item(dependent))

    def _wake_owners(self, obj: Obj) -> None:
        for reference in obj["metadata"].get("ownerReferences") or []:
            kind = f"{reference['apiVersion']}/{reference['kind']}"
            if kind in self._kinds:
                namespace = key_of(obj)[0] if self._kinds[kind] else ""
                self.work.add((kind, namespace, reference["name"]))

    def _dependents(self, uid: str) -> list[Obj]:
        return [one for kind in self._kinds for one in self.cache[kind].owned_by(uid)]

    async def _collect_all(self) -> None:
        while True:
            item = await self.work.get()
            await asyncio.sleep(0)  # a call in process may come back without ever having waited
            try:
                await self._collect(item)
                self.work.forget(item)
            except ApiError as error:
                log.debug("collecting %s: %s", item, error)
                self.work.retry(item)
            except Exception:
                log.exception("collecting %s failed", item)
                self.work.retry(item)
            finally:
                self.work.done(item)

    async def _collect(self, item: Item) -> None:
        kind, namespace, name = item
        if kind not in self._kinds:
            return
        obj = self.cache[kind].get((namespace, name))
        if obj is None:
            return
        finalizers = obj["metadata"].get("finalizers") or []
        if is_deleting(obj):
            if ORPHAN in finalizers:
                await self._orphan(obj)
            elif FOREGROUND in finalizers:
                await self._foreground(obj)
            return
        await self._check_owners(obj)

    async def _check_owners(self, obj: Obj) -> None:
        references = obj["metadata"].get("ownerReferences") or []
        solid, waiting = [], []
        for reference in references:
            owner = await self._owner(obj, reference)
            if owner is None:
                continue
            if _is_foreground(owner) and reference.get("blockOwnerDeletion"):
                waiting.append(reference)
            else:
                solid.append(reference)
        if len(solid) == len(references):
            return
        if solid:
            await self._keep_owners(obj, solid)
        else:
            await self._delete(obj, foreground=bool(waiting))

    async def _owner(self, obj: Obj, reference: Obj) -> Obj | None:
        """Return the owner if it is there; the cache is believed when it says yes, never when no.

        An owner of a kind that is not served (any more) counts as there: nothing is deleted on a guess.
        """
        kind = f"{reference['apiVersion']}/{reference['kind']}"
        if kind not in self._kinds:
            return {"metadata": {"uid": reference["uid"]}}
        namespace = key_of(obj)[0] if self._kinds[kind] else ""
        held = self.cache[kind].get((namespace, reference["name"]))
        if held is not None and uid_of(held) == reference["uid"]:
            return held
        try:
            live = await self.client.get(kind, namespace or None, reference["name"])
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        return live if uid_of(live) == reference["uid"] else None

    async def _foreground(self, obj: Obj) -> None:
        blocking = []
        for dependent in self._dependents(uid_of(obj)):
            for reference in dependent["metadata"].get("ownerReferences") or []:
                if reference["uid"] == uid_of(obj):
                    if not is_deleting(dependent):
                        self.work.add(_item(dependent))
                    if reference.get("blockOwnerDeletion"):
                        blocking.append(dependent)
        if not blocking:
            await self._drop_finalizer(obj, FOREGROUND)

    async def _orphan(self, obj: Obj) -> None:
        for dependent in self._dependents(uid_of(obj)):
            others = [
                reference
                for reference in dependent["metadata"].get("ownerReferences") or []
                if reference["uid"] != uid_of(obj)
            ]
            await self._keep_owners(dependent, others)
        await self._drop_finalizer(obj, ORPHAN)

    async def _keep_owners(self, obj: Obj, references: list[Obj]) -> None:
        await self._patch(obj, {"ownerReferences": references})

    async def _drop_finalizer(self, obj: Obj, name: str) -> None:
        kept = [one for one in obj["metadata"].get("finalizers") or [] if one != name]
        await self._patch(obj, {"finalizers": kept})

    async def _patch(self, obj: Obj, meta: Obj) -> None:
        namespace, name = key_of(obj)
        version = obj["metadata"]["resourceVersion"]
        change = {"metadata": {**meta, "uid": uid_of(obj), "resourceVersion": version}}
        try:
            written = await self.client.patch(kind_of(obj), namespace or None, name, change)
        except ApiError as error:
            if error.code != 404:
                raise
            return
        self.cache[kind_of(obj)].observe(written)

    async def _delete(self, obj: Obj, *, foreground: bool) -> None:
        """Delete an object; what its own dependents wait for, or lose, goes on as it was asked for."""
        namespace, name = key_of(obj)
        finalizers = obj["metadata"].get("finalizers") or []
        waits = foreground and bool(self._dependents(uid_of(obj)))
        policy = "Background"
        if waits or FOREGROUND in finalizers:
            policy = "Foreground"
        elif ORPHAN in finalizers:
            policy = "Orphan"
        try:
            await self.client.delete(
                kind_of(obj), namespace or None, name, uid=uid_of(obj), policy=policy
            )
        except ApiError as error:
            if error.code not in (404, 409):
                raise


def _item(obj: Obj) -> Item:
    return (kind_of(obj), *key_of(obj))


def _is_foreground(owner: Obj) -> bool:
    finalizers = owner["metadata"].get("finalizers") or []
    return is_deleting(owner) and FOREGROUND in finalizers
