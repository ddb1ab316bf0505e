"""Pods that nobody looks after: those of a node that is gone are forgotten.

Invariant: a pod is only taken when its node has been absent for a while, so that a node which is
registered anew keeps its pods.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, is_deleting, key_of, uid_of

QUARANTINE_SECONDS = 40.0


class PodGarbageCollector(Controller):
    """Deletes the pods of absent nodes, and going pods that never had one."""

    name: ClassVar[str] = "pod-garbage-collector"
    kind: ClassVar[str] = "v1/Pod"
    workers: ClassVar[int] = 1

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.nodes = cache["v1/Node"]
        self._absent: dict[str, float] = {}

    async def sync(self, key: Key) -> None:
        """Look at one pod; come back when its node's quarantine ends."""
        pod = self.primary.get(key)
        if pod is None:
            return
        node = pod["spec"].get("nodeName")
        if not node:
            if is_deleting(pod):
                await self._forget(key, uid_of(pod))
            return
        if self.nodes.get(("", node)) is not None:
            self._absent.pop(node, None)
            return
        clock = asyncio.get_running_loop().time()
        left = self._absent.setdefault(node, clock) + QUARANTINE_SECONDS - clock
        if left > 0:
            self.queue.add_after(key_of(pod), left + 0.1)
        else:
            await self._forget(key, uid_of(pod))

    async def _forget(self, key: Key, uid: str) -> None:
        try:
            await self.client.delete("v1/Pod", key[0], key[1], grace_seconds=0, uid=uid)
        except ApiError as error:
            if error.code not in (404, 409):
                raise
