"""The loop that every controller is: changed keys in, `sync` until the world agrees.

A controller names the kinds it reads, maps their changes to its own keys, and implements `sync`,
which may be called at any time and as often as it likes. Invariant: a key that failed is tried
again with back-off, and nothing a sync raises ends the controller.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from abc import ABC, abstractmethod
from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.informer import Cache, Informer
from drydock.cluster.controllers.meta import Key, controller_of, key_of, kind_of
from drydock.cluster.controllers.queue import WorkQueue
from drydock.cluster.controllers.record import Recorder
from drydock.cluster.errors import Obj

log = logging.getLogger(__name__)

RESYNC_SECONDS = 300.0


class Controller(ABC):
    """One control loop over the objects of `kind`."""

    name: ClassVar[str]
    """How its events name it."""
    kind: ClassVar[str]
    """The kind whose keys it syncs."""
    workers: ClassVar[int] = 4
    pace: ClassVar[float] = 0.0
    """Seconds that a key rests after a sync, so that changes which come together are one sync."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self.client = client
        self.cache = cache
        self.queue: WorkQueue[Key] = WorkQueue(pace=self.pace)
        self.recorder = Recorder(client, self.name)
        self.primary = cache[self.kind]
        self.primary.on_change(self._primary_changed)

    @abstractmethod
    async def sync(self, key: Key) -> None:
        """Bring the world of one key nearer to what its object asks for."""

    def secondary(self, kind: str) -> Informer:
        """Read a kind whose objects this controller's objects own; their changes wake the owner."""
        informer = self.cache[kind]
        informer.on_change(self._owned_changed)
        return informer

    async def run(self) -> None:
        """Work until cancelled; the informers must have been started."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._resync(), name=f"{self.name} resync")
                for number in range(self.workers):
                    group.create_task(self._work(), name=f"{self.name} worker {number}")
        finally:
            self.queue.close()

    async def create(self, obj: Obj) -> Obj:
        """Create an object and show it to the own cache at once."""
        made = await self.client.create(obj)
        self.cache[kind_of(obj)].observe(made)
        return made

    async def update(self, obj: Obj, *, subresource: str = "") -> Obj:
        """Write an object and show the result to the own cache at once."""
        written = await self.client.update(obj, subresource=subresource)
        self.cache[kind_of(obj)].observe(written)
        return written

    async def update_status(self, obj: Obj, status: Obj) -> Obj:
        """Write a status when it differs from the one held."""
        if obj.get("status") == status:
            return obj
        changed = {**obj, "status": copy.deepcopy(status)}
        return await self.update(changed, subresource="status")

    async def delete(self, obj: Obj, *, policy: str = "") -> None:
        """Delete an object (as it is, by uid) and show it to the own cache as going."""
        kind, (namespace, name) = kind_of(obj), key_of(obj)
        uid = obj["metadata"]["uid"]
        try:
            await self.client.delete(kind, namespace or None, name, uid=uid, policy=policy)
        except ApiError as error:
            if error.code not in (404, 409):
                raise
        self.cache[kind].doom(obj)

    def _primary_changed(self, old: Obj | None, new: Obj | None) -> None:
        obj = new or old
        if obj is not None:
            self.queue.add(key_of(obj))

    def _owned_changed(self, old: Obj | None, new: Obj | None) -> None:
        for obj in (old, new):
            reference = controller_of(obj) if obj is not None else None
            if obj is None or reference is None:
                continue
            if f"{reference['apiVersion']}/{reference['kind']}" == self.kind:
                self.queue.add((key_of(obj)[0], reference["name"]))

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(RESYNC_SECONDS)
            for item in self.primary.items():
                self.queue.add(key_of(item))

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            await asyncio.sleep(0)  # a call in process may come back without ever having waited
            try:
                await self.sync(key)
                self.queue.forget(key)
            except ApiError as error:
                if is_terminating_namespace(error):
                    continue  # nothing can be made there any more, and what is there goes
                level = logging.DEBUG if error.code in (404, 409) else logging.WARNING
                log.log(level, "%s %s/%s: %s", self.name, *key, error)
                self.queue.retry(key)
            except Exception:
                log.exception("%s %s/%s failed", self.name, *key)
                self.queue.retry(key)
            finally:
                self.queue.done(key)


def is_terminating_namespace(error: ApiError) -> bool:
    """Tell whether a creation was refused because its namespace is going."""
    causes = (error.details or {}).get("causes") or []
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
