"""The rules at work in the kernel, between sockets of a routed network."""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from drydock.cluster.network_policy import Member, World, ruleset
from drydock.cluster.network_policy.members import namespace_labels, own_members
from drydock.cluster.proxy import dnat
from drydock.cluster.proxy import ruleset as service_rules
from drydock.runtime import netns
from drydock.runtime.network import Endpoint, Network

pytestmark = pytest.mark.root

PORT = 8080
SERVICE = "10.96.0.9"


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    async with Network("10.98.7.0/24", uplink=False, routed=True) as network:
        yield network


def tcp(endpoint: Endpoint) -> socket.socket:
    """Make a socket that belongs to an endpoint."""
    made = netns.inside(
        endpoint.namespace, partial(socket.socket, socket.AF_INET, socket.SOCK_STREAM)
    )
    made.setblocking(False)
    return made


async def serve(endpoint: Endpoint) -> asyncio.Server:
    """Tell every caller which address it has, and then repeat what it says."""

    async def greet(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(f"{writer.get_extra_info('peername')[0]}\n".encode())
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    made = await asyncio.to_thread(tcp, endpoint)
    made.bind((endpoint.address, PORT))
    made.listen(16)
    return await asyncio.start_server(greet, sock=made)


async def call(
    caller: Endpoint, address: str, port: int = PORT, patience: float = 1
) -> tuple[StreamReader, StreamWriter, str] | None:
    """Connect from an endpoint; return the connection and how it is seen, None when nothing answers."""
    made = await asyncio.to_thread(tcp, caller)
    try:
        async with asyncio.timeout(patience):
            await asyncio.get_running_loop().sock_connect(made, (address, port))
            reader, writer = await asyncio.open_connection(sock=made)
            return reader, writer, (await reader.readline()).decode().strip()
    except TimeoutError:
        made.close()
        return None


async def seen(caller: Endpoint, address: str, port: int = PORT, patience: float = 1) -> str:
    """Return the address that a call is seen from, nothing when it is not answered."""
    found = await call(caller, address, port, patience)
    if found is None:
        return ""
    found[1].close()
    return found[2]


def asked_again(endpoint: Endpoint) -> int:
    """Count the connections that an endpoint had to ask for more than once."""

    def read() -> int:
        names, values = (
            line.split()
            for line in Path("/proc/thread-self/net/netstat").read_text().splitlines()[:2]
        )
        return int(values[names.index("TCPSynRetrans")])

    return netns.inside(endpoint.namespace, read)


def member(endpoint: Endpoint, name: str) -> Member:
    return Member("shop", {"app": name}, endpoint.address, {("TCP", "http"): PORT})


def policy(name: str, **spec: object) -> dict:
    body = {"podSelector": {"matchLabels": {"app": name}}, "policyTypes": ["Ingress"], **spec}
    return {"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"}, "spec": body}


async def test_callers_are_judged_by_their_own_address(network: Network) -> None:
    """Directly and through a Service; what was open before stays open."""
    web, friend, stranger = [await network.attach() for _ in range(3)]
    server = await serve(web)
    targets = [(web.address, PORT)]
    rules = [dnat(SERVICE, {"port": 80}, targets)]
    await network.nft(service_rules(rules, pods=network.subnet, called=[web.address]))
    assert await seen(stranger, web.address) == stranger.address
    assert await seen(stranger, SERVICE, 80) == stranger.address
    before = await call(stranger, web.address)
    assert before is not None
    source = await network.own_address()
    own = own_members(network.gateway, source)
    members = [member(web, "web"), member(friend, "friend"), member(stranger, "stranger"), *own]
    rule = {
        "from": [{"podSelector": {"matchLabels": {"app": "friend"}}}],
        "ports": [{"protocol": "TCP", "port": "http"}],
    }
    spaces = namespace_labels([])
    one = policy("web", ingress=[rule])
    await network.nft(ruleset(World(members, spaces, [one], source)))
    assert await seen(friend, web.address) == friend.address
    assert await seen(friend, SERVICE, 80) == friend.address
    assert await seen(stranger, web.address) == ""
    assert await seen(stranger, SERVICE, 80) == ""
    reader, writer, _ = before
    writer.write(b"still here\n")
    assert await reader.readline() == b"still here\n"
    writer.close()
    # The node's own calls are not judged, those of the ingress are.
    _, probe = await network.open_connection(web.address, PORT)
    probe.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await network.connect(web.address, PORT, source=source)
    name = {"kubernetes.io/metadata.name": "ingress-nginx"}
    rule["from"].append({"namespaceSelector": {"matchLabels": name}})
    await network.nft(ruleset(World(members, spaces, [one], source)))
    made = await network.connect(web.address, PORT, source=source)
    assert made.getsockname()[0] == source
    made.close()
    server.close()


async def test_a_pod_may_always_call_itself(network: Network) -> None:
    """Through its own Service, whatever policies say; its answer finds the way back."""
    web = await network.attach()
    server = await serve(web)
    rules = [dnat(SERVICE, {"port": 80}, [(web.address, PORT)])]
    await network.nft(service_rules(rules, pods=network.subnet, called=[web.address]))
    deny = policy("web", policyTypes=["Ingress", "Egress"])
    await network.nft(ruleset(World([member(web, "web")], {}, [deny])))
    assert await seen(web, SERVICE, 80) == network.gateway
    assert await seen(web, web.address) == web.address
    server.close()


async def test_what_a_pod_may_call_is_judged_too(network: Network) -> None:
    """By address, block and port; the bridge's own port 53 stands for the name server."""
    web, caller = await network.attach(), await network.attach()
    server = await serve(web)

    async def answer(_: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"name\n")
        writer.close()

    names = await network.listen(answer, network.gateway, 53)
    other = await network.listen(answer, network.gateway, 6443)
    members = [member(web, "web"), member(caller, "caller"), *own_members(network.gateway, "")]
    kube = {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}, "namespaceSelector": {}}
    dns = {"to": [kube], "ports": [{"protocol": "TCP", "port": 53}]}

    async def reach(*egress: dict) -> list[bool]:
        one = policy("caller", policyTypes=["Egress"], egress=list(egress))
        spaces = {"kube-system": {}, "shop": {}}
        await network.nft(ruleset(World(members, spaces, [one])))
        wanted = ((web.address, PORT), (network.gateway, 53), (network.gateway, 6443))
        return [bool(await seen(caller, *where)) for where in wanted]

    assert await reach() == [False, False, False]
    assert await reach(dns) == [False, True, False]
    block = {"ipBlock": {"cidr": "10.98.0.0/16", "except": [f"{web.address}/32"]}}
    assert await reach({"to": [block]}) == [False, True, True]
    named = {"to": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": "http"}]}
    assert await reach(named) == [True, False, False]
    assert await reach({"ports": [{"protocol": "TCP", "port": 6000, "endPort": 7000}]}) == [
        False,
        False,
        True,
    ]
    assert await reach({}) == [True, True, True]
    for one in (server, names, other):
        one.close()


async def test_policies_come_and_go_without_a_lost_call(network: Network) -> None:
    """Two hundred calls while the table is replaced again and again."""
    web, friend = await network.attach(), await network.attach()
    server = await serve(web)
    members = [member(web, "web"), member(friend, "friend")]
    allowed = policy("web", ingress=[{"from": [{"podSelector": {}}]}])
    worlds = [World(members, {}, policies) for policies in ([allowed], [], [allowed, allowed])]
    over = asyncio.Event()

    async def replace() -> int:
        count = 0
        while not over.is_set():
            await network.nft(ruleset(worlds[count % 3]))
            count += 1
        return count

    replacing = asyncio.create_task(replace())
    found = {await seen(friend, web.address, patience=20) for _ in range(200)}
    over.set()
    assert await replacing > 5
    assert found == {friend.address}
    assert await asyncio.to_thread(asked_again, friend) == 0
    server.close()
