"""The network: endpoints and this process reach each other; the host sees nothing of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drydock.runtime import network as network_module
from drydock.runtime.errors import MissingProgram, RuntimeFault, SetupFailed
from drydock.runtime.network import Endpoint, Network
from drydock.runtime.runner import ProcessSpec, Runner, Running, User
from drydock.runtime.snapshot import Snapshot, SnapshotStore

pytestmark = pytest.mark.root

ENV = {"PATH": "/bin"}


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    async with Network("10.99.0.0/24", uplink=False) as network:
        yield network


class Hosts:
    """Runs shell scripts in endpoints."""

    def __init__(
        self, network: Network, runner: Runner, store: SnapshotStore, base: Snapshot
    ) -> None:
        self.network, self.runner, self.store, self.base = network, runner, store, base

    async def run(self, endpoint: Endpoint | None, script: str) -> tuple[int, str]:
        out = bytearray()
        async with self.store.edit(self.base) as edit:
            spec = ProcessSpec(("sh", "-c", script), ENV, network=endpoint)
            code = await self.runner.run(
                edit.path, spec, stdout=out.extend, stderr=out.extend, timeout=30
            )
        return code, out.decode()

    async def serve(self, root: Path, endpoint: Endpoint, port: int) -> Running:
        """Answer each connection with `hello`; returns once the port is open."""
        script = ("nc", "-ll", "-p", str(port), "-e", "echo", "hello")
        spec = ProcessSpec(script, ENV, network=endpoint, user=User(1000, 1000))
        running = await self.runner.start(root, spec, stdout=print, stderr=print)
        for _ in range(500):
            try:
                _, writer = await self.network.open_connection(endpoint.address, port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return running
        pytest.fail("the service did not listen")


@pytest.fixture
def hosts(network: Network, runner: Runner, store: SnapshotStore, busybox: Snapshot) -> Hosts:
    return Hosts(network, runner, store, busybox)


async def test_endpoints_and_this_process_reach_a_service(hosts: Hosts, network: Network) -> None:
    """A service on port 80, without root: another endpoint and this process both get its answer."""
    server, client = await network.attach(), await network.attach()
    async with hosts.store.edit(hosts.base) as edit:
        running = await hosts.serve(edit.path, server, 80)
        assert await hosts.run(client, f"nc {server.address} 80 </dev/null") == (0, "hello\n")
        reader, writer = await network.open_connection(server.address, 80)
        assert await reader.read() == b"hello\n"
        writer.close()
        await running.stop(0)


async def test_endpoints_reach_what_this_process_serves(hosts: Hosts, network: Network) -> None:
    """A tunnel: a socket in the bridge namespace, served by this process's loop."""

    async def greet(_: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"from outside\n")
        await writer.drain()
        writer.close()

    address = network.claim_address()
    server = await network.listen(greet, address, 4000)
    endpoint = await network.attach()
    script = f"nc {address} 4000 </dev/null"
    assert await hosts.run(endpoint, script) == (0, "from outside\n")
    server.close()
    await server.wait_closed()


async def test_an_address_is_given_once(network: Network) -> None:
    """Asked for or not, two endpoints never share an address; released ones come back."""
    wanted = await network.attach(address="10.99.0.77")
    assert wanted.address == "10.99.0.77"
    with pytest.raises(SetupFailed, match=r"10\.99\.0\.77 is in use"):
        await network.attach(address="10.99.0.77")
    with pytest.raises(SetupFailed, match=r"not in 10\.99\.0\.0/24"):
        await network.attach(address="10.1.1.1")
    others = [await network.attach() for _ in range(12)]
    addresses = {endpoint.address for endpoint in others} | {network.claim_address()}
    assert len(addresses) == 13
    assert not addresses & {"10.99.0.77", network.gateway}
    await network.release(wanted)
    assert (await network.attach(address="10.99.0.77")).address == "10.99.0.77"


async def test_a_full_subnet_says_so() -> None:
    """Fourteen hosts and no more."""
    async with Network("10.99.1.0/28", uplink=False) as network:
        # One of the fourteen is the gateway's.
        for _ in range(13):
            network.claim_address()
        with pytest.raises(SetupFailed, match="all addresses"):
            network.claim_address()


async def test_a_released_endpoint_is_cut_off(hosts: Hosts, network: Network) -> None:
    """What still runs there cannot be reached, and its address can be used anew."""
    server = await network.attach(address="10.99.0.50")
    async with hosts.store.edit(hosts.base) as edit:
        running = await hosts.serve(edit.path, server, 80)
        await network.release(server)
        fresh = await network.attach(address="10.99.0.50")
        with pytest.raises(ConnectionRefusedError):
            await network.open_connection("10.99.0.50", 80)
        await network.release(fresh)
        await running.stop(0)


async def test_rules_apply_inside_only(hosts: Hosts, network: Network) -> None:
    """An nft rule redirects within the bridge namespace; a wrong one is reported in nft's words."""
    server, client = await network.attach(), await network.attach()
    await network.nft(
        "table ip t { chain c { type nat hook prerouting priority dstnat;\n"
        f"ip daddr 172.30.0.1 tcp dport 99 dnat to {server.address}:80\n}}\n}}\n"
    )
    async with hosts.store.edit(hosts.base) as edit:
        running = await hosts.serve(edit.path, server, 80)
        assert await hosts.run(client, "nc 172.30.0.1 99 </dev/null") == (0, "hello\n")
        await running.stop(0)
    with pytest.raises(RuntimeFault, match="syntax error"):
        await network.nft("nonsense")


async def test_a_connection_does_not_wait_for_rules(
    hosts: Hosts, network: Network, tmp_path: Path
) -> None:
    """Where pods come and go there is always a cable or a rule in the making; requests pass all the same."""
    server = await network.attach()
    rules = tmp_path / "rules"
    os.mkfifo(rules)
    async with hosts.store.edit(hosts.base) as edit:
        running = await hosts.serve(edit.path, server, 80)
        applying = asyncio.create_task(network.nft(f'include "{rules}"\n'))
        # nft waits for its rules until somebody writes them.
        writing = await asyncio.to_thread(os.open, rules, os.O_WRONLY)
        try:
            for _ in range(20):
                async with asyncio.timeout(5):
                    reader, writer = await network.open_connection(server.address, 80)
                    assert await reader.read() == b"hello\n"
                writer.close()
            assert not applying.done()
        finally:
            os.close(writing)
        await applying
        await running.stop(0)


async def test_the_host_sees_nothing_and_nothing_stays(hosts: Hosts) -> None:
    """Neither a device nor a rule in the host's namespace; after close no uplink process."""

    def devices() -> str:
        command = ["ip", "-o", "link"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    before = await asyncio.to_thread(devices)
    async with Network("10.99.2.0/24") as network:
        endpoint = await network.attach()
        assert await asyncio.to_thread(devices) == before
        slirp = network._slirp
        assert slirp is not None
        assert slirp.poll() is None
        code, out = await hosts.run(endpoint, "cat /etc/resolv.conf; nc 10.0.2.2 22 </dev/null")
        assert "nameserver 10.0.2.3\n" in out
        assert code != 0, "the host's loopback must not be reachable"
    assert slirp.returncode is not None


async def test_the_uplink_ends_with_its_owner() -> None:
    """Closing the pipe, as the kernel does for a killed process, ends slirp4netns."""
    async with Network("10.99.3.0/24") as network:
        slirp = network._slirp
        assert slirp is not None

        os.close(network._lifeline)
        network._lifeline = -1
        assert await asyncio.to_thread(slirp.wait, 10) is not None


async def test_a_container_without_network_is_alone(hosts: Hosts) -> None:
    """Loopback is up, and there is nothing else."""
    code, out = await hosts.run(
        None, "ls /sys/class/net; ping -c1 -W1 127.0.0.1 >/dev/null && echo up"
    )
    assert (code, out) == (0, "lo\nup\n")


async def test_what_the_machine_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No tun device, no slirp4netns: the error names the remedy."""
    with monkeypatch.context() as patch:
        patch.setattr(network_module, "_TUN", tmp_path / "none")
        with pytest.raises(SetupFailed, match="modprobe tun"):
            await Network().start()

    def missing(program: str) -> str:
        raise MissingProgram(program, program)

    monkeypatch.setattr(network_module, "require", missing)
    with pytest.raises(MissingProgram, match="apt-get install slirp4netns"):
        await Network("10.99.4.0/24").start()


async def test_the_gateway_keeps_its_hardware_address(network: Network) -> None:
    """What a container remembers of the gateway stays right, whichever endpoints come and go."""

    def seen() -> str:
        shown = subprocess.run(
            ["ip", "-o", "link", "show", "dd0"], check=True, capture_output=True, text=True
        )
        return shown.stdout.partition("link/ether ")[2].split()[0]

    inside = network._inside()
    addresses = {await inside.call(seen)}
    endpoints = [await network.attach() for _ in range(12)]
    addresses.add(await inside.call(seen))
    for endpoint in endpoints:
        await network.release(endpoint)
        addresses.add(await inside.call(seen))
    assert len(addresses) == 1
