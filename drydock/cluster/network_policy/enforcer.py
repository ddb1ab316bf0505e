"""Keeps the nft table of the policies in step with pods, namespaces and policies.

Run by `node_parts`; the kubelet asks it to `admit` every pod before the pod's first container starts.
Invariants: a pod runs behind the policies that were there when it started; the table is replaced in
one transaction, so no packet meets half of it, and connections that are open stay open; a policy that
cannot be read isolates its pods, and nothing that is wrong with an object ends the part.
"""

from __future__ import annotations

import asyncio
import logging

from drydock.cluster.client import Client
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import key_of, labels_of, uid_of
from drydock.cluster.controllers.pods import has_ended
from drydock.cluster.errors import Obj
from drydock.cluster.network_policy.members import namespace_labels, own_members, pod_member
from drydock.cluster.network_policy.ruleset import World, ruleset, without_faults
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
        self._told: dict[str, str] = {}
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
        Whoever had the address before has no claim to it any more, also when nobody saw that pod end.
        """
        held = {uid: one for uid, one in self._early.items() if one[1] != address}
        self._early = {**held, uid_of(pod): (pod, address)}
        wanted = self._ask()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._done < wanted:
                    await self._applied.wait()
        except TimeoutError:
            log.warning("pod %s/%s starts before its network policies", *key_of(pod))

    def world(self) -> World:
        """Return what the rules are made of now."""
        cached = {uid_of(pod): pod for pod in self._cache[POD].items()}
        for uid, (_, address) in list(self._early.items()):
            seen = cached.get(uid)
            if seen is not None and (has_ended(seen) or _address(seen) == address):
                del self._early[uid]
        found = [pod_member(pod) for uid, pod in cached.items() if uid not in self._early]
        # After the others: of two with one address, the one that was admitted last has it.
        for uid, (pod, address) in self._early.items():
            found.append(pod_member(cached.get(uid, pod), address))
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
            asked = self._asked
            try:
                text = self._rules()
                if text != before:
                    await self._network.nft(text)
                    before = text
            except Exception as error:
                expected = isinstance(error, RuntimeFault)
                log.warning("network policies: %s", error, exc_info=not expected)
                await asyncio.sleep(RETRY_SECONDS)
                self._stirred.set()
                continue
            self._done = asked
            waiting, self._applied = self._applied, asyncio.Event()
            waiting.set()

    def _rules(self) -> str:
        world = self.world()
        faults: dict[str, str] = {}
        try:
            text = ruleset(world)
        except Exception:  # noqa: BLE001 - which policy it was is found and told below
            sound, faults = without_faults(world)
            text = ruleset(sound)
        for name, fault in faults.items():
            if self._told.get(name) != fault:
                log.error(
                    "network policy %s isolates its pods, as it cannot be read: %s", name, fault
                )
        self._told = faults
        return text


def _address(pod: Obj) -> str:
    return str((pod.get("status") or {}).get("podIP") or "")


def _matters(obj: Obj) -> object:
    """Return what of an object decides about flows."""
    if obj["kind"] == "Pod":
        return labels_of(obj), _address(obj), has_ended(obj)
    return obj.get("spec") if obj["kind"] == "NetworkPolicy" else labels_of(obj)
