"""Namespaces: their first contents, and their end.

Invariant: a namespace that is going loses its finalizer only when nothing is left in it; its
status tells why it still waits.
"""

from __future__ import annotations

from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller, is_terminating_namespace
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, is_deleting, key_of, stamp
from drydock.cluster.errors import Obj

FINALIZER = "kubernetes"
POLL_SECONDS = 0.5


class NamespaceController(Controller):
    """Empties the namespaces that are going."""

    name: ClassVar[str] = "namespace-controller"
    kind: ClassVar[str] = "v1/Namespace"

    async def sync(self, key: Key) -> None:
        """Delete what is left in one going namespace, then let it go."""
        namespace = self.primary.get(key)
        if namespace is None or not is_deleting(namespace):
            return
        if FINALIZER not in ((namespace.get("spec") or {}).get("finalizers") or []):
            return
        left, held = await self._empty(key[1])
        await self._tell(namespace, left, held)
        if left:
            self.queue.add_after(key, POLL_SECONDS)
            return
        current = await self.client.get("v1/Namespace", None, key[1])
        kept = [name for name in current["spec"].get("finalizers", []) if name != FINALIZER]
        await self.client.update({**current, "spec": {"finalizers": kept}}, subresource="finalize")

    async def _empty(self, name: str) -> tuple[dict[str, int], dict[str, int]]:
        """Delete everything; return what is left by resource, and what waits by finalizer."""
        left: dict[str, int] = {}
        held: dict[str, int] = {}
        for kind in await self.client.kinds():
            if not kind.namespaced:
                continue
            items, _ = await self.client.list(kind.name, name)
            for item in items:
                await self._remove(kind.name, item)
            items, _ = await self.client.list(kind.name, name)
            if items:
                left[kind.resource] = len(items)
            for item in items:
                for finalizer in item["metadata"].get("finalizers") or []:
                    held[finalizer] = held.get(finalizer, 0) + 1
        return left, held

    async def _remove(self, kind: str, item: Obj) -> None:
        if is_deleting(item):
            return
        namespace, name = key_of(item)
        try:
            uid = item["metadata"]["uid"]
            await self.client.delete(kind, namespace, name, uid=uid, policy="Background")
        except ApiError as error:
            if error.code not in (404, 405, 409):
                raise

    async def _tell(self, namespace: Obj, left: dict[str, int], held: dict[str, int]) -> None:
        resources = ", ".join(
            f"{resource} has {count} resource instances" for resource, count in sorted(left.items())
        )
        waits = ", ".join(
            f"{name} in {count} resource instances" for name, count in sorted(held.items())
        )
        rows = [
            ("NamespaceDeletionDiscoveryFailure", False, "ResourcesDiscovered",
             "All resources successfully discovered"),
            ("NamespaceDeletionGroupVersionParsingFailure", False, "ParsedGroupVersions",
             "All legacy kube types successfully parsed"),
            ("NamespaceDeletionContentFailure", False, "ContentDeleted",
             "All content successfully deleted, may be waiting on finalization"),
            ("NamespaceContentRemaining", bool(left),
             "SomeResourcesRemain" if left else "ContentRemoved",
             f"Some resources are remaining: {resources}" if left
             else "All content successfully removed"),
            ("NamespaceFinalizersRemaining", bool(held),
             "SomeFinalizersRemain" if held else "ContentHasNoFinalizers",
             f"Some content in the namespace has finalizers remaining: {waits}" if held
             else "All content-preserving finalizers finished"),
        ]  # fmt: skip
        before = {c["type"]: c for c in (namespace.get("status") or {}).get("conditions") or []}
        conditions = []
        for kind, is_true, reason, message in rows:
            status = "True" if is_true else "False"
            known = before.get(kind)
            same = known is not None and known["status"] == status
            conditions.append(
                {
                    "type": kind,
                    "status": status,
                    "lastTransitionTime": (
                        known["lastTransitionTime"] if known and same else stamp()
                    ),
                    "reason": reason,
                    "message": message,
                }
            )
        await self.update_status(namespace, {"phase": "Terminating", "conditions": conditions})


class NamespaceDefaultsController(Controller):
    """Gives every namespace its default ServiceAccount and the cluster's CA."""

    name: ClassVar[str] = "serviceaccount-controller"
    kind: ClassVar[str] = "v1/Namespace"
    root_ca: str = ""

    def __init__(self, client: Client, cache: Cache, *, root_ca: str) -> None:
        super().__init__(client, cache)
        self.root_ca = root_ca
        self.accounts = cache["v1/ServiceAccount"]
        self.maps = cache["v1/ConfigMap"]
        for informer in (self.accounts, self.maps):
            informer.on_change(self._content_changed)

    async def sync(self, key: Key) -> None:
        """Create or correct the two objects of one namespace."""
        namespace = self.primary.get(key)
        if namespace is None or is_deleting(namespace):
            return
        name = key[1]
        if self.accounts.get((name, "default")) is None:
            await self._create("ServiceAccount", name, "default", {})
        wanted = {"ca.crt": self.root_ca}
        held = self.maps.get((name, "kube-root-ca.crt"))
        if held is None:
            note = (
                "Contains a CA bundle that can be used to verify the kube-apiserver when using "
                "internal endpoints such as the internal service IP or kubernetes.default.svc. "
                "No other usage is guaranteed across distributions of Kubernetes clusters."
            )
            notes = {"kubernetes.io/description": note}
            await self._create("ConfigMap", name, "kube-root-ca.crt", {"data": wanted}, notes)
        elif held.get("data") != wanted:
            await self.update({**held, "data": wanted})

    async def _create(
        self, kind: str, namespace: str, name: str, body: Obj, notes: dict[str, str] | None = None
    ) -> None:
        meta: Obj = {"name": name, "namespace": namespace}
        if notes:
            meta["annotations"] = notes
        try:
            await self.create({"apiVersion": "v1", "kind": kind, "metadata": meta, **body})
        except ApiError as error:
            if error.code != 409 and not is_terminating_namespace(error):
                raise

    def _content_changed(self, old: Obj | None, new: Obj | None) -> None:
        obj = new or old
        if obj is not None and obj["metadata"]["name"] in ("default", "kube-root-ca.crt"):
            self.queue.add(("", key_of(obj)[0]))
