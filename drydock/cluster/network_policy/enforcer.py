"""Keeps the nft table of the policies in step with pods, namespaces and policies.

Run by `node_parts`; the kubelet asks it to `admit` every pod before the pod's first container starts.
Invariants: a pod runs behind the policies that were there when it started; the table is replaced in
one transaction, so no packet meets half of it, and connections that are open stay open.
"""

from __future__ import annotations

import asyncio
import logging

from drydock.cluster.client import Client
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import key_of, labels_of, uid_of
from drydock.cluster.errors import Obj
from drydock.cluster.network_policy.members import namespace_labels, own_members, pod_member
from drydock.cluster.network_policy.ruleset import World, ruleset
from drydock.runtime.errors import RuntimeFault
from drydock.runtime.network import Network

log = logging.getLogger(__name__)

POD, NAMESPACE = "v1/Pod", "v1/Namespace"
POLICY = "networking.k8s.io/v1/NetworkPolicy"
FOLLOWED = (POD, NAMESPACE, POLICY)
SETTLE_SECONDS = 0.02
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 10.0


class PolicyEnforcer:
    """Enforces the policies of a cluster on its network; `ingress` is where the ingress calls from."""

    def __init__(self, client: Client, network: Network, *, ingress: str = "") -> None:
        self._client, self._network, self._ingress = client, network, ingress
        self._cache = Cache(client)
        self._early: dict[str, tuple[Obj, str]] = {}
        self._asked = self._done = 0
        self._stirred, self._applied = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Follow the cluster until cancelled; the rules stay as they are then."""
        self._cache = Cache(self._client)
        for kind in FOLLOWED:
            self._cache[kind].on_change(self._wake)
        try:
            await self._cache.start()
            await self._apply()
        finally:
            await self._cache.close()

    async def admit(self, pod: Obj, address: str) -> None:
        """Return when the rules know a pod's address, which the API may not show yet.

        A pod is not kept from running by rules that cannot be applied: after some seconds it goes ahead.
        """
        self._early[uid_of(pod)] = (pod, address)
        wanted = self._ask()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._done < wanted:
                    await self._applied.wait()
        except TimeoutError:
            log.warning("pod %s/%s starts before its network policies", *key_of(pod))

    def world(self) -> World:
        """Return what the rules are made of now."""
        pods = {uid_of(pod): (pod, "") for pod in self._cache[POD].items()}
        for uid, (pod, address) in list(self._early.items()):
            if uid in pods and (pods[uid][0].get("status") or {}).get("podIP") == address:
                del self._early[uid]
            else:
                pods[uid] = (pods[uid][0] if uid in pods else pod, address)
        found = [pod_member(pod, address) for pod, address in pods.values()]
        members = {one.address: one for one in found if one is not None}
        own = own_members(self._network.gateway, self._ingress)
        return World(
            [*members.values(), *own],
            namespace_labels(self._cache[NAMESPACE].items()),
            self._cache[POLICY].items(),
            self._ingress,
        )

    def _wake(self, old: Obj | None, new: Obj | None) -> None:
        if old is not None and new is not None and _matters(old) == _matters(new):
            return
        if new is None and old is not None:
            self._early.pop(uid_of(old), None)
        self._ask()

    def _ask(self) -> int:
        """Have the rules made anew; return what `_done` reaches then."""
        self._asked += 1
        self._stirred.set()
        return self._asked

    async def _apply(self) -> None:
        before = ""
        self._ask()
        while True:
            await self._stirred.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._stirred.clear()
            asked, text = self._asked, ruleset(self.world())
            try:
                if text != before:
                    await self._network.nft(text)
                    before = text
            except RuntimeFault as error:
                log.warning("network policies: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._stirred.set()
                continue
            self._done = asked
            waiting, self._applied = self._applied, asyncio.Event()
            waiting.set()


def _matters(obj: Obj) -> object:
    """Return what of an object decides about flows."""
    if obj["kind"] == "Pod":
        status = obj.get("status") or {}
        return labels_of(obj), status.get("podIP"), status.get("phase") in ("Succeeded", "Failed")
    return obj.get("spec") if obj["kind"] == "NetworkPolicy" else labels_of(obj)
