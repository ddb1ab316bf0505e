"""A local copy of all objects of one kind, kept current by list and watch.

Every controller, the kubelet, the proxy and the ingress read from it instead of asking the API.
Invariant: what a controller wrote itself is seen by its next sync. `observe` and `doom` enter the
result of a write before the watch delivers it, and an older event never replaces a newer object;
so no controller has to remember what it expects to come.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.meta import Key, is_deleting, key_of, stamp, uid_of, version_of
from drydock.cluster.errors import Obj

log = logging.getLogger(__name__)

Handler = Callable[[Obj | None, Obj | None], None]
"""Gets the old and the new object; None before the first and after the last state."""

REMEMBERED_DELETIONS = 4096
RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0


class Informer:
    """The objects of one kind, indexed by namespace and by owner."""

    def __init__(self, client: Client, kind: str) -> None:
        self.kind = kind
        self.synced = asyncio.Event()
        self._client = client
        self._items: dict[Key, Obj] = {}
        self._namespaces: defaultdict[str, dict[str, Obj]] = defaultdict(dict)
        self._owned: defaultdict[str, set[Key]] = defaultdict(set)
        self._handlers: list[Handler] = []
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._doomed: set[str] = set()

    def on_change(self, handler: Handler) -> None:
        """Call `handler` on every change from now on, and for what is there already."""
        self._handlers.append(handler)
        for item in list(self._items.values()):
            handler(None, item)

    def get(self, key: Key) -> Obj | None:
        """Return one object; it must not be changed."""
        return self._items.get(key)

    def items(self) -> list[Obj]:
        """Return all objects."""
        return list(self._items.values())

    def in_namespace(self, namespace: str) -> list[Obj]:
        """Return the objects of one namespace."""
        return list(self._namespaces.get(namespace, {}).values())

    def owned_by(self, uid: str) -> list[Obj]:
        """Return the objects that name this uid among their owners."""
        return [self._items[key] for key in self._owned.get(uid, ())]

    def observe(self, obj: Obj) -> None:
        """Enter an object that a write just returned."""
        self._apply(obj)

    def doom(self, obj: Obj) -> None:
        """Show the object as being deleted until the watch tells its end."""
        self._doomed.add(uid_of(obj))
        held = self._items.get(key_of(obj))
        if held is not None and uid_of(held) == uid_of(obj) and not is_deleting(held):
            self._put(self._marked(held))

    async def run(self) -> None:
        """List, then follow the watch; list again after whatever ends it, until cancelled.

        A copy that stopped following would leave its controllers working on the past, silently.
        """
        pause = RETRY_SECONDS
        while True:
            try:
                version = await self._relist()
                self.synced.set()
                pause = RETRY_SECONDS
                await self._follow(version)
                continue
            except ApiError as error:
                if error.code == 410:
                    continue
                log.warning("watch of %s: %s", self.kind, error)
            except (ConnectionError, TimeoutError) as error:
                log.warning("watch of %s: %s", self.kind, error)
            except Exception:
                log.exception("watch of %s broke; listing again in %.1f s", self.kind, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RETRY_SECONDS)

    async def _relist(self) -> str:
        items, version = await self._client.list(self.kind)
        listed = {key_of(item) for item in items}
        for item in items:
            self._apply(item)
        for key, held in list(self._items.items()):
            if key not in listed and version_of(held) <= int(version):
                self._remove(held)
        return version

    async def _follow(self, version: str) -> None:
        async for change, obj in self._client.watch(self.kind, version):
            if change == "DELETED":
                self._remove(obj)
            else:
                self._apply(obj)

    def _apply(self, obj: Obj) -> None:
        if uid_of(obj) in self._gone:
            return
        held = self._items.get(key_of(obj))
        if held is not None and version_of(held) >= version_of(obj):
            return
        if uid_of(obj) in self._doomed and not is_deleting(obj):
            obj = self._marked(obj)
        self._put(obj)

    def _put(self, obj: Obj) -> None:
        key = key_of(obj)
        held = self._items.get(key)
        if held is not None and uid_of(held) != uid_of(obj):
            self._drop(held)
            self._tell(held, None)
            held = None
        elif held is not None:
            self._drop(held)
        self._items[key] = obj
        self._namespaces[key[0]][key[1]] = obj
        for uid in _owners(obj):
            self._owned[uid].add(key)
        self._tell(held, obj)

    def _remove(self, obj: Obj) -> None:
        self._gone[uid_of(obj)] = None
        self._doomed.discard(uid_of(obj))
        while len(self._gone) > REMEMBERED_DELETIONS:
            self._gone.popitem(last=False)
        held = self._items.get(key_of(obj))
        if held is not None and uid_of(held) == uid_of(obj):
            self._drop(held)
            self._tell(obj, None)

    def _drop(self, held: Obj) -> None:
        key = key_of(held)
        del self._items[key]
        del self._namespaces[key[0]][key[1]]
        for uid in _owners(held):
            self._owned[uid].discard(key)
            if not self._owned[uid]:
                del self._owned[uid]

    def _tell(self, old: Obj | None, new: Obj | None) -> None:
        for handler in self._handlers:
            try:
                handler(old, new)
            except Exception:
                log.exception("a change of %s was not understood", self.kind)

    @staticmethod
    def _marked(obj: Obj) -> Obj:
        return {**obj, "metadata": {**obj["metadata"], "deletionTimestamp": stamp()}}


class Cache:
    """The informers of one process, each made once and run together."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._informers: dict[str, Informer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __getitem__(self, kind: str) -> Informer:
        if kind not in self._informers:
            self._informers[kind] = Informer(self._client, kind)
        return self._informers[kind]

    def __iter__(self) -> Iterator[Informer]:
        return iter(list(self._informers.values()))

    async def start(self, kinds: Iterable[str] | None = None) -> None:
        """Run the informers (all that were asked for so far) and wait until they are filled."""
        wanted = [self[kind] for kind in kinds] if kinds is not None else list(self)
        for informer in wanted:
            if informer.kind not in self._tasks:
                name = f"informer {informer.kind}"
                self._tasks[informer.kind] = asyncio.create_task(informer.run(), name=name)
        for informer in wanted:
            await informer.synced.wait()

    async def stop(self, kind: str) -> None:
        """End one informer and forget what it held."""
        task = self._tasks.pop(kind, None)
        self._informers.pop(kind, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """End every informer."""
        for kind in list(self._tasks):
            await self.stop(kind)


def _owners(obj: Obj) -> set[str]:
    return {reference["uid"] for reference in obj["metadata"].get("ownerReferences") or []}
