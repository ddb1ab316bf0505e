"""Service addresses: connections to a ClusterIP reach a ready pod, by nft inside the cluster's network.

Run by `drydock.cluster.__main__`. The whole table is replaced in one transaction whenever Services or
their endpoints change. Invariant: a rule names ready endpoints only; a Service without any refuses at
once instead of letting the caller wait. A pod that is called through a Service sees the caller's own address,
but for a pod that calls itself: its answer would never come back through the translation.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable, Sequence
from contextlib import suppress

from drydock.cluster.client import Client
from drydock.cluster.controllers.endpoints import SERVICE_NAME, called_endpoints
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import key_of, labels_of
from drydock.cluster.errors import Obj
from drydock.cluster.names import Found, NameServer
from drydock.runtime.errors import RuntimeFault
from drydock.runtime.network import Network

log = logging.getLogger(__name__)

SERVICE_RANGE = "10.96.0.0/16"
TABLE = "services"
SETTLE_SECONDS = 0.02
RETRY_SECONDS = 1.0
API = ("default", "kubernetes")
PIECE = 1 << 16


class ServiceProxy:
    """Keeps nft rules and names in step with the Services."""

    def __init__(self, client: Client, network: Network, *, api_port: int) -> None:
        self._network = network
        self._api_port = api_port
        self._cache = Cache(client)
        self._services = self._cache["v1/Service"]
        self._slices = self._cache["discovery.k8s.io/v1/EndpointSlice"]
        self._changed = asyncio.Event()
        self.applied = asyncio.Event()
        """Set while the rules match what is known."""
        for informer in (self._services, self._slices):
            informer.on_change(self._wake)

    async def run(self) -> None:
        """Follow the Services until cancelled."""
        names = NameServer(self._network, self.lookup, address=self._network.gateway)
        relay = await self._network.listen(self._relay, self._network.gateway, self._api_port)
        try:
            await self._cache.start()
            self._changed.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(names.run(), name="names")
                group.create_task(self._apply(), name="service rules")
        finally:
            relay.close()
            await self._cache.close()

    def lookup(self, name: str) -> Found | None:
        """Find `SERVICE.NAMESPACE` or `HOST.SERVICE.NAMESPACE`."""
        labels = name.split(".")
        if len(labels) not in (2, 3):
            return None
        key = (labels[-1], labels[-2])
        service = self._services.get(key)
        if service is None:
            return None
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            return Found(alias=spec.get("externalName", ""))
        if len(labels) == 3:
            found = self._hosts(key).get(labels[0])
            return None if found is None else Found((found,))
        if spec.get("clusterIP") not in (None, "", "None"):
            return Found((spec["clusterIP"],))
        return Found(tuple(sorted(self._addresses(key))))

    def _addresses(self, key: tuple[str, str]) -> set[str]:
        return {
            address
            for endpoint in self._endpoints(key)
            for address in endpoint["addresses"]
            if (endpoint.get("conditions") or {}).get("ready", True)
        }

    def _hosts(self, key: tuple[str, str]) -> dict[str, str]:
        return {
            endpoint["hostname"]: endpoint["addresses"][0]
            for endpoint in self._endpoints(key)
            if endpoint.get("hostname")
        }

    def _endpoints(self, key: tuple[str, str]) -> list[Obj]:
        return [one for part in self._of(key) for one in part.get("endpoints") or []]

    def _of(self, key: tuple[str, str]) -> list[Obj]:
        namespace, name = key
        slices = self._slices.in_namespace(namespace)
        return [one for one in slices if labels_of(one).get(SERVICE_NAME) == name]

    def _wake(self, old: Obj | None, new: Obj | None) -> None:
        if old is not None and new is not None and _routing(old) == _routing(new):
            return
        self.applied.clear()
        self._changed.set()

    async def _apply(self) -> None:
        before = ""
        while True:
            await self._changed.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._changed.clear()
            text = self._ruleset()
            try:
                if text != before:
                    await self._network.nft(text)
                    before = text
            except RuntimeFault as error:
                log.warning("service rules: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._changed.set()
            else:
                if not self._changed.is_set():
                    self.applied.set()

    def _ruleset(self) -> str:
        rules, called = [], set()
        for service in sorted(self._services.items(), key=key_of):
            spec = service["spec"]
            address, sticky = spec.get("clusterIP"), spec.get("sessionAffinity") == "ClientIP"
            if address in (None, "", "None"):
                continue
            for port in spec.get("ports") or []:
                targets = self._targets(service, port)
                called |= {host for host, _ in targets}
                rule = dnat(address, port, targets, sticky=sticky)
                if rule:
                    rules.append(rule)
        return ruleset(rules, pods=self._network.subnet, called=sorted(called))

    def _targets(self, service: Obj, port: Obj) -> list[tuple[str, int]]:
        if key_of(service) == API:
            return [(self._network.gateway, self._api_port)]
        return called_endpoints(self._of(key_of(service)), port.get("name") or "")

    async def _relay(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Carry a pod's connection to the API, which listens on the machine's own loopback."""
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._api_port)
        except OSError as error:
            log.warning("a pod could not reach the API: %s", error)
            writer.close()
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


def dnat(
    address: str, port: Obj, targets: Sequence[tuple[str, int]], *, sticky: bool = False
) -> str:
    """Return the rule that spreads one Service port over its endpoints; empty without endpoints.

    A sticky Service always gives a caller the same endpoint, as long as their number stays.
    """
    if not targets:
        return ""
    protocol = port.get("protocol", "TCP").lower()
    match = f"ip daddr {address} {protocol} dport {port['port']}"
    if len(targets) == 1:
        return f"{match} dnat to {targets[0][0]}:{targets[0][1]}"
    rows = ", ".join(f"{at} : {host} . {number}" for at, (host, number) in enumerate(targets))
    choice = "jhash ip saddr" if sticky else "numgen random"
    return f"{match} dnat to {choice} mod {len(targets)} map {{ {rows} }}"


def ruleset(rules: Iterable[str], *, pods: str, called: Sequence[str] = ()) -> str:
    """Return the transaction that replaces the table by these rules.

    `pods` is the range of the pods' addresses, `called` are the endpoints, which may call themselves.
    """
    services = "\n    ".join(rules)
    hidden = [f"ct status dnat ip saddr != {pods} masquerade"]
    if called:
        pairs = ", ".join(f"{one} . {one}" for one in called)
        hidden.append(f"ct status dnat ip saddr . ip daddr {{ {pairs} }} masquerade")
    leaving = "\n    ".join(hidden)
    return f"""table ip {TABLE} {{}}
delete table ip {TABLE}
table ip {TABLE} {{
  chain services {{
    {services}
  }}
  chain incoming {{
    type nat hook prerouting priority dstnat
    ip daddr {SERVICE_RANGE} jump services
  }}
  chain own {{
    type nat hook output priority -100
    ip daddr {SERVICE_RANGE} jump services
  }}
  chain leaving {{
    type nat hook postrouting priority srcnat
    {leaving}
  }}
  chain refused {{
    type filter hook prerouting priority dstnat + 10
    ip daddr {SERVICE_RANGE} meta l4proto tcp reject with tcp reset
    ip daddr {SERVICE_RANGE} reject with icmp type port-unreachable
  }}
  chain refused_own {{
    type filter hook output priority filter
    ip daddr {SERVICE_RANGE} meta l4proto tcp reject with tcp reset
    ip daddr {SERVICE_RANGE} reject with icmp type port-unreachable
  }}
}}
"""


def _routing(obj: Obj) -> object:
    """Return what of a Service or slice decides about routes."""
    if obj["kind"] == "Service":
        return obj["spec"]
    return labels_of(obj), obj.get("endpoints"), obj.get("ports")


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    try:
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    except OSError as error:
        log.debug("a relayed connection ended: %s", error)
    finally:
        with suppress(OSError):
            writer.close()
