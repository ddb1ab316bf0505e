"""What the containers of one pod share: network, volumes, names, and the way to say that something changed.

Made by the pod, used by its containers. Invariant: it is complete before the first container starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drydock.cluster.controllers.record import Recorder
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.pulling import Images, Puller
from drydock.cluster.kubelet.source import ConfigSource
from drydock.cluster.kubelet.volumes import Volumes
from drydock.runtime.network import Endpoint, Network
from drydock.runtime.runner import Runner
from drydock.runtime.snapshot import SnapshotStore
from drydock.runtime.state import StateDir

DEFAULT_GRACE = 30


@dataclass(frozen=True)
class NodeRuntime:
    """The parts of the runtime that a node needs."""

    state: StateDir
    snapshots: SnapshotStore
    images: Images
    runner: Runner


@dataclass(frozen=True)
class Room:
    """One pod's surroundings."""

    pod: Callable[[], Obj]
    """Returns the pod as the API has it now."""
    runtime: NodeRuntime
    network: Network
    endpoint: Endpoint
    volumes: Volumes
    source: ConfigSource
    puller: Puller
    recorder: Recorder
    folder: Path
    host: str
    nameserver: str
    services: Callable[[], Mapping[str, str]]
    starts: asyncio.Semaphore
    """Bounds how many containers of the node start at the same time."""
    changed: Callable[[], None]

    def addresses(self) -> dict[str, str]:
        """Return the addresses that the downward API shows."""
        return {"podIP": self.endpoint.address, "hostIP": self.host}

    def service_variables(self) -> Mapping[str, str]:
        """Return the variables that name the Services."""
        return self.services()

    def grace(self) -> float:
        """Return the seconds that a container gets to end."""
        return float(self.pod()["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE))

    def hostname(self) -> str:
        """Return the host name of all containers."""
        pod = self.pod()
        return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63]

    def hosts(self) -> dict[str, str]:
        """Return further names for /etc/hosts."""
        pod = self.pod()
        made = {
            name: alias["ip"]
            for alias in pod["spec"].get("hostAliases") or []
            for name in alias.get("hostnames") or []
        }
        subdomain = pod["spec"].get("subdomain")
        if subdomain:
            namespace = pod["metadata"]["namespace"]
            full = f"{self.hostname()}.{subdomain}.{namespace}.svc.cluster.local"
            made[full] = self.endpoint.address
        return made

    def resolver(self) -> Path:
        """Return the pod's resolv.conf: the cluster's names first, then the machine's."""
        pod = self.pod()
        namespace = pod["metadata"]["namespace"]
        config = pod["spec"].get("dnsConfig") or {}
        servers = list(config.get("nameservers") or [])
        searches = list(config.get("searches") or [])
        options = ["ndots:5"]
        if pod["spec"].get("dnsPolicy", "ClusterFirst") != "None":
            servers = [self.nameserver, *servers]
            domains = (f"{namespace}.svc.cluster.local", "svc.cluster.local", "cluster.local")
            searches = [*domains, *searches]
        for option in config.get("options") or []:
            value = option.get("value")
            options.append(f"{option['name']}:{value}" if value else option["name"])
        lines = [f"nameserver {server}" for server in servers]
        if searches:
            lines.append(f"search {' '.join(searches)}")
        path = self.folder / "resolv.conf"
        path.write_text("\n".join([*lines, f"options {' '.join(options)}", ""]))
        path.chmod(0o644)
        return path
