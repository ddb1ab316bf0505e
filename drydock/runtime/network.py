"""The network of one engine or cluster.

A bridge in a namespace of its own, with a user-mode way out.
    host                     |  bridge namespace                      |  endpoint
    this process <-sockets-> |  dd0 (10.87.0.1/16) -- veth ---------- |  eth0 10.87.0.x
    the internet <-slirp4netns->  tap0 (10.0.2.100), masquerade       |

The engine gives each container an endpoint, the kubelet each pod. Nothing in the host's own
namespace changes: no bridge, no table, no forwarding. Endpoints cannot reach the host's loopback. In a
routed network they do not even see each other: every packet goes through the bridge namespace, where
rules of nft can judge it with both its addresses.
Everything goes with this process: the namespaces are held by its descriptors, and slirp4netns ends
when a pipe from it closes.
"""

from __future__ import annotations

import asyncio
import io
import ipaddress
import os
import select
import socket
import subprocess
import tempfile
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO

from drydock.runtime.errors import RuntimeFault, SetupFailed
from drydock.runtime.invocation import typed
from drydock.runtime.netns import Namespace, Resident, ip_batch, run_program
from drydock.runtime.programs import require

NAMESERVER = "10.0.2.3"
"""slirp4netns' resolver, which asks the host's."""

Handler = Callable[[StreamReader, StreamWriter], Awaitable[None]]

_TUN = Path("/dev/net/tun")
_BRIDGE = "dd0"
_UPLINK = "tap0"
_UPLINK_SECONDS = 10.0
_MOST_WORDS = 4000
_IP_BIND_ADDRESS_NO_PORT = 24  # of linux/in.h; Python 3.11 does not name it
_POOL = 4
_BACKLOG = 128


@dataclass(frozen=True)
class Endpoint:
    """A network namespace on the bridge.

    `namespace` can be opened as long as the endpoint is attached.
    """

    address: str
    namespace: Path


class Network:
    """The bridge network of one process; `async with Network() as network`, or start and close."""

    def __init__(
        self, subnet: str = "10.87.0.0/16", *, uplink: bool = True, routed: bool = False
    ) -> None:
        self._subnet = ipaddress.IPv4Network(subnet)
        self._wants_uplink = uplink
        self._routed = routed
        hosts = self._subnet.hosts()
        self.gateway = str(next(hosts))
        self._unused = hosts
        self._freed: list[str] = []
        self._claimed: set[str] = {self.gateway}
        self._number = 0
        self._bridge: Namespace | None = None
        self._resident: Resident | None = None
        self._slirp: subprocess.Popen[bytes] | None = None
        self._lifeline = -1
        self._words: IO[bytes] = io.BytesIO()
        self._attached: dict[Endpoint, Namespace] = {}
        self._pool: list[tuple[str, Namespace]] = []
        self._filling: asyncio.Task[None] | None = None
        self._making = asyncio.Lock()

    @property
    def subnet(self) -> str:
        """The range of all addresses on the bridge."""
        return str(self._subnet)

    async def __aenter__(self) -> Network:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Make the bridge and the way out.

        MissingProgram or SetupFailed say what the machine lacks.
        """
        if self._wants_uplink and not _TUN.exists():  # noqa: ASYNC240 - a device node
            raise SetupFailed(
                "this machine has no /dev/net/tun, which the network of containers needs. "
                "Load it: modprobe tun"
            )
        self._bridge = await asyncio.to_thread(Namespace)
        self._resident = Resident(self._bridge)
        try:
            await self._resident.call(self._make_bridge)
            if self._wants_uplink:
                await self._start_uplink(self._bridge)
        except BaseException:
            await self.close()
            raise
        self._refill()

    async def close(self) -> None:
        """Take everything down; processes still in an endpoint lose their network."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
            self._filling = None
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        if self._slirp is not None:
            self._slirp.kill()
            await asyncio.to_thread(self._slirp.wait)
            self._slirp = None
        self._words.close()
        for namespace in (*self._attached.values(), *(each for _, each in self._pool)):
            namespace.close()
        self._attached.clear()
        self._pool.clear()
        if self._resident is not None:
            self._resident.close()
            self._resident = None
        if self._bridge is not None:
            self._bridge.close()
            self._bridge = None

    async def attach(self, *, address: str | None = None) -> Endpoint:
        """Return a fresh network namespace on the bridge, with `address` or any free one."""
        if address is not None:
            self._claim(address)
            (made,) = await self._make([address])
        elif self._pool:
            made = self._pool.pop(0)
            self._refill()
        else:
            (made,) = await self._make([self._next_address()])
            self._refill()
        found, namespace = made
        endpoint = Endpoint(found, namespace.path)
        self._attached[endpoint] = namespace
        return endpoint

    async def release(self, endpoint: Endpoint) -> None:
        """Give an endpoint back.

        Whatever still runs in it is cut off, its address is used again last.
        """
        namespace = self._attached.pop(endpoint, None)
        if namespace is None:
            return
        # Unplugged at once: the namespace itself lives on as long as a process is in it.
        with suppress(RuntimeFault):
            await asyncio.to_thread(namespace.call, partial(ip_batch, ["link del eth0"]))
        namespace.close()
        self._claimed.discard(endpoint.address)
        self._freed.append(endpoint.address)

    async def open_connection(self, address: str, port: int) -> tuple[StreamReader, StreamWriter]:
        """Connect from this process to an address on the bridge network (or beyond it)."""
        made = await self.connect(address, port)
        try:
            return await asyncio.open_connection(sock=made)
        except BaseException:
            made.close()
            raise

    async def connect(self, address: str, port: int, *, source: str = "") -> socket.socket:
        """Return a connected socket, for a caller that brings its own protocol.

        `source` is an address of `own_address`; without one, the gateway's is used.
        """
        made = await self._inside().socket()
        try:
            if source:
                # The port is chosen by the connection, so that few ports serve many of them.
                made.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
                made.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(made, (address, port))
        except BaseException:
            made.close()
            raise
        return made

    async def own_address(self) -> str:
        """Return a further address of this process on the bridge; it stays until `close`."""
        address = self._next_address()
        await self._inside().call(partial(ip_batch, [f"addr add {address}/32 dev {_BRIDGE}"]))
        return address

    async def listen(self, handler: Handler, address: str, port: int) -> asyncio.Server:
        """Serve `handler` on an address of the bridge namespace.

        Endpoints can connect, the host cannot.
        """

        def bind() -> None:
            made.bind((address, port))

        made = await self._inside().socket()
        try:
            # A claimed address is put on the bridge, and stays there for whoever listens next.
            if ipaddress.IPv4Address(address) in self._subnet and address != self.gateway:
                with suppress(RuntimeFault):
                    await self._inside().call(
                        partial(ip_batch, [f"addr add {address}/32 dev {_BRIDGE}"])
                    )
            bind()
            made.listen(_BACKLOG)
            return await asyncio.start_server(handler, sock=made)
        except BaseException:
            made.close()
            raise

    async def datagrams(self, address: str, port: int) -> socket.socket:
        """Return a UDP socket bound in the bridge namespace.

        An empty address and port 0 mean any.
        """

        def bind() -> socket.socket:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                made.settimeout(0)
                made.bind((address, port))
            except BaseException:
                made.close()
                raise
            return made

        return await self._inside().call(bind)

    def claim_address(self) -> str:
        """Return a further address on the bridge, for a tunnel; `free_address` gives it back."""
        return self._next_address()

    def free_address(self, address: str) -> None:
        """Give a claimed address back; it is used again last."""
        self._claimed.discard(address)
        self._freed.append(address)

    async def nft(self, ruleset: str) -> None:
        """Apply an nft ruleset in the bridge namespace.

        RuntimeFault with nft's message if it is wrong.
        """
        await self._inside().call(partial(run_program, "nft", ["-f", "-"], ruleset))

    async def ip(self, lines: list[str]) -> None:
        """Run `ip` commands in the bridge namespace (addresses and routes of a cluster)."""
        await self._inside().call(partial(ip_batch, lines))

    # -- addresses

    def _next_address(self) -> str:
        for candidate in self._unused:
            if str(candidate) not in self._claimed:
                self._claimed.add(str(candidate))
                return str(candidate)
        if not self._freed:
            raise SetupFailed(f"all addresses of {self._subnet} are in use")
        address = self._freed.pop(0)
        self._claimed.add(address)
        return address

    def _claim(self, address: str) -> None:
        if ipaddress.IPv4Address(address) not in self._subnet:
            raise SetupFailed(f"address {address} is not in {self._subnet}")
        if address in self._claimed:
            raise SetupFailed(f"address {address} is in use")
        with suppress(ValueError):
            self._freed.remove(address)
        self._claimed.add(address)

    # -- devices

    def _inside(self) -> Resident:
        if self._resident is None:
            raise RuntimeFault("the network was not started")
        return self._resident

    def _make_bridge(self) -> None:
        prefix = self._subnet.prefixlen
        ip_batch(
            [
                "link set lo up",
                # Left alone, a bridge takes the lowest hardware address of its cables, and another when
                # that cable goes; containers would send to the old one until they ask again.
                f"link add {_BRIDGE} address {_hardware_address(self.gateway)} type bridge",
                f"addr add {self.gateway}/{prefix} dev {_BRIDGE}",
                f"link set {_BRIDGE} up",
            ]
        )
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        if self._routed:
            # Packets leave by the device that they came from; nobody shall be told of a shorter way.
            for name in ("all", _BRIDGE):
                Path(f"/proc/sys/net/ipv4/conf/{name}/send_redirects").write_text("0")
            # Where the kernel filters bridged packets too, a translated one would be bridged to its new
            # address, past the isolation of the cables and into nothing.
            filtering = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
            if filtering.exists():
                filtering.write_text("0")
        if self._wants_uplink:
            rule = f"ip saddr {self._subnet} oifname {_UPLINK} masquerade"
            chain = f"type nat hook postrouting priority srcnat; {rule}"
            text = f"table ip drydock {{\nchain uplink {{\n{chain}\n}}\n}}\n"
            run_program("nft", ["-f", "-"], text)

    async def _start_uplink(self, bridge: Namespace) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        exit_reader, self._lifeline = os.pipe()
        ready_reader, ready_writer = os.pipe()
        try:
            self._slirp = await asyncio.to_thread(
                subprocess.Popen,
                [
                    require("slirp4netns"),
                    "--configure",
                    "--mtu=65520",
                    "--disable-host-loopback",
                    f"--exit-fd={exit_reader}",
                    f"--ready-fd={ready_writer}",
                    "--netns-type=path",
                    str(bridge.path),
                    _UPLINK,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # A file, as nobody would read a pipe for as long as it runs.
                stderr=self._words,
                pass_fds=(exit_reader, ready_writer),
            )
        finally:
            os.close(exit_reader)
            os.close(ready_writer)
        came_up = await asyncio.to_thread(_is_ready, ready_reader)
        if not came_up:
            self._words.seek(0)
            message = self._words.read(_MOST_WORDS).decode(errors="replace").strip()
            raise SetupFailed(
                f"slirp4netns did not come up: {message or 'it said nothing'}; "
                f"next: {typed('doctor')}"
            )

    def _refill(self) -> None:
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fill())

    async def _fill(self) -> None:
        while (missing := _POOL - len(self._pool)) > 0:
            addresses = []
            # A full subnet is for whoever attaches next to hear about.
            with suppress(SetupFailed):
                for _ in range(missing):
                    addresses.append(self._next_address())  # noqa: PERF401 - keeps what it got
            if not addresses:
                return
            self._pool += await self._make(addresses)

    async def _make(self, addresses: list[str]) -> list[tuple[str, Namespace]]:
        """Make one namespace for each address: the cables in one `ip` run, then their far ends."""
        made: list[tuple[str, Namespace]] = []
        try:
            for address in addresses:
                namespace = await asyncio.to_thread(Namespace)
                made.append((address, namespace))
            await self._plug_in(made)
        except BaseException:
            # Its end of the cable goes with a namespace, and with it the other.
            for _, namespace in made:
                namespace.close()
            for address in addresses:
                self.free_address(address)
            raise
        return made

    async def _plug_in(self, made: list[tuple[str, Namespace]]) -> None:
        lines = []
        for address, namespace in made:
            self._number += 1
            cable = f"v{self._number}"
            far_end = f"name eth0 address {_hardware_address(address)} netns {namespace.path}"
            lines += [
                f"link add {cable} type veth peer {far_end}",
                f"link set {cable} master {_BRIDGE} up",
            ]
            if self._routed:
                lines.append(f"link set {cable} type bridge_slave isolated on")
        await self._inside().call(partial(ip_batch, lines))
        await asyncio.gather(
            *(
                asyncio.to_thread(namespace.call, partial(self._far_end, address))
                for address, namespace in made
            )
        )

    def _far_end(self, address: str) -> None:
        length = 32 if self._routed else self._subnet.prefixlen
        lines = ["link set lo up", f"addr add {address}/{length} dev eth0", "link set eth0 up"]
        if self._routed:
            lines.append(f"route add {self.gateway} dev eth0 scope link")
        ip_batch([*lines, f"route add default via {self.gateway}"])


def _is_ready(reader: int) -> bool:
    """Wait for the byte that slirp4netns writes when it serves, and close the pipe. Blocking."""
    try:
        readable, _, _ = select.select([reader], [], [], _UPLINK_SECONDS)
        return bool(readable and os.read(reader, 1))
    finally:
        os.close(reader)


def _hardware_address(address: str) -> str:
    """Return a MAC address that follows from the IP address.

    No neighbour's memory of an address goes stale then, when it is given to the next endpoint.
    """
    return "02:dd:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(address).packed)
