"""Where the parts of a machine are found: directories, ports, sockets, and the record of a running machine.

Read by the supervisor, which writes the record, and by the command line, which looks things up in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import drydock

DEFAULT_STATE_DIR = Path("/var/lib/drydock")
ALREADY_RUNNING = 3
"""Exit code of a supervisor that finds its state directory locked by another."""


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1."""

    registry: int = 5000
    api: int = 6443
    ingress: int = 8080


@dataclass(frozen=True)
class Machine:
    """One machine as configured, running or not."""

    state_dir: Path
    config_dir: Path
    ports: Ports
    kubelet: bool = True

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Machine:
        """Read `DRYDOCK_*` variables; raise ValueError when a port is no number."""
        config_home = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return cls(
            state_dir=Path(environ.get("DRYDOCK_STATE_DIR") or DEFAULT_STATE_DIR),
            config_dir=Path(environ.get("DRYDOCK_CONFIG_DIR") or config_home / "drydock"),
            ports=Ports(
                registry=_port(environ, "DRYDOCK_REGISTRY_PORT", Ports.registry),
                api=_port(environ, "DRYDOCK_API_PORT", Ports.api),
                ingress=_port(environ, "DRYDOCK_INGRESS_PORT", Ports.ingress),
            ),
            kubelet=environ.get("DRYDOCK_KUBELET", "on") != "off",
        )

    def environment(self) -> dict[str, str]:
        """Return the variables from which every process of the machine reads this description again."""
        return {
            "DRYDOCK_STATE_DIR": str(self.state_dir),
            "DRYDOCK_CONFIG_DIR": str(self.config_dir),
            "DRYDOCK_REGISTRY_PORT": str(self.ports.registry),
            "DRYDOCK_API_PORT": str(self.ports.api),
            "DRYDOCK_INGRESS_PORT": str(self.ports.ingress),
            "DRYDOCK_KUBELET": "on" if self.kubelet else "off",
        }

    @property
    def run_dir(self) -> Path:
        """Directory of sockets, locks and the record of what runs."""
        return self.state_dir / "run"

    @property
    def log_dir(self) -> Path:
        """Directory of one log file a process."""
        return self.state_dir / "logs"

    @property
    def lock_file(self) -> Path:
        """File whose lock the supervisor holds as long as it lives."""
        return self.run_dir / "machine.lock"

    @property
    def record_file(self) -> Path:
        """File that says what runs where; true only while the lock is held."""
        return self.run_dir / "machine.json"

    @property
    def control_socket(self) -> Path:
        """Unix socket of the engine."""
        return self.run_dir / "engine.sock"

    @property
    def kubeconfig(self) -> Path:
        """File that gives kubectl access to the cluster, mode 0600."""
        return self.config_dir / "kubeconfig"


@dataclass(frozen=True)
class Running:
    """The record of a running machine."""

    pid: int
    build: str
    ports: Ports
    kubeconfig: str
    control: str
    state_dir: str

    @classmethod
    def of(cls, machine: Machine) -> Running:
        """Describe this process as the supervisor of `machine`."""
        return cls(
            pid=os.getpid(),
            build=build_digest(),
            ports=machine.ports,
            kubeconfig=str(machine.kubeconfig),
            control=str(machine.control_socket),
            state_dir=str(machine.state_dir),
        )

    @classmethod
    def from_json(cls, text: str) -> Running:
        """Read a record back."""
        fields: dict[str, Any] = json.loads(text)
        return cls(
            pid=fields["pid"],
            build=fields["build"],
            ports=Ports(**fields["ports"]),
            kubeconfig=fields["cluster"]["kubeconfig"],
            control=fields["engine"]["control"],
            state_dir=fields["state_dir"],
        )

    def facts(self) -> dict[str, Any]:
        """Return what `drydock status --json` tells and the engine's clients read."""
        return {
            "running": True,
            "pid": self.pid,
            "build": self.build,
            "ports": asdict(self.ports),
            "registry": {"address": f"127.0.0.1:{self.ports.registry}"},
            "cluster": {
                "server": f"https://127.0.0.1:{self.ports.api}",
                "kubeconfig": self.kubeconfig,
                "ingress": f"http://127.0.0.1:{self.ports.ingress}",
            },
            "engine": {"control": self.control},
            "state_dir": self.state_dir,
        }

    def to_json(self) -> str:
        """Write the record."""
        return json.dumps(self.facts(), indent=2) + "\n"


def build_digest() -> str:
    """Identify the code of Drydock on disk, so that an update is noticed: 16 hex digits."""
    package = Path(drydock.__file__).parent
    digest = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        status = source.stat()
        digest.update(
            f"{source.relative_to(package)} {status.st_size} {status.st_mtime_ns}\n".encode()
        )
    return digest.hexdigest()[:16]


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name)
    if not text:
        return default
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"{name}={text!r} is no TCP port; give a number from 1 to 65535")
    return int(text)
