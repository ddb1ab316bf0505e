"""What to run in a container: the process, its mounts, its identity and its rights.

The engine and the cluster build a `ProcessSpec`; `runner.Runner` turns it into an OCI bundle.
Nothing here does I/O, and nothing here is specific to this machine, so a spec may take part in
cache keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drydock.runtime.network import Endpoint

Sink = Callable[[bytes], None] | int
"""Where a stream goes.

A callable that gets each piece, or a file descriptor that the process writes to itself.
"""

DEFAULT_CAPABILITIES: frozenset[str] = frozenset(
    {
        "CAP_AUDIT_WRITE",
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FOWNER",
        "CAP_FSETID",
        "CAP_KILL",
        "CAP_MKNOD",
        "CAP_NET_BIND_SERVICE",
        "CAP_NET_RAW",
        "CAP_SETFCAP",
        "CAP_SETGID",
        "CAP_SETPCAP",
        "CAP_SETUID",
        "CAP_SYS_CHROOT",
    }
)


@dataclass(frozen=True)
class User:
    """Numeric identity of a process."""

    uid: int = 0
    gid: int = 0
    additional_gids: tuple[int, ...] = ()


ROOT = User()


@dataclass(frozen=True)
class BindMount:
    """A host path that appears at `target`.

    Parents and the mount point are made, and removed again after the run.
    """

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class TmpfsMount:
    """A file system in memory.

    `size` in bytes, None for the kernel's default (half of the memory).
    """

    target: str
    size: int | None = None
    mode: int = 0o1777


Mount = BindMount | TmpfsMount


@dataclass(frozen=True)
class ProcessSpec:
    """One process in one container.

    `env` is complete: nothing of the host's environment is added except this machine's certificate
    variables, which fill in only what is unset and never show in the spec. `hosts` maps names to
    addresses for /etc/hosts. Without `network` the process has a loopback interface and nothing
    else.
    """

    args: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str = "/"
    user: User = ROOT
    mounts: tuple[Mount, ...] = ()
    read_only_root: bool = False
    no_new_privileges: bool = False
    capabilities: frozenset[str] = DEFAULT_CAPABILITIES
    privileged: bool = False
    hostname: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    network: Endpoint | None = None
    init: bool = True
