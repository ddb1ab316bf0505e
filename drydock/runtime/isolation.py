"""The private namespaces of the engine and the cluster: a crash leaves nothing behind.

Whoever starts an engine or a cluster starts `isolated_command(argv)`; the program calls `prepare()`
before anything else. When the unshare process dies, by whatever signal, the kernel kills everything
inside and takes every mount, network namespace and virtual cable with it. Process 1 inside is tini:
it reaps what containers leave, passes signals on to the program and ends with it. SIGTERM to
unshare itself does nothing; the program is asked to end over its control socket.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drydock.runtime.programs import find, require
from drydock.runtime.syscalls import CLONE_NEWNS, MS_REC, MS_SLAVE, mount, unshare

_CGROUP = Path("/sys/fs/cgroup")
_NETNS = Path("/run/netns")
_MEMORY = Path("/run/drydock")


def isolated_command(argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` in private namespaces, which end with their parent."""
    return [
        require("unshare"),
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
        "--propagation=slave",
        "--",
        require("tini-static"),
        "-s",
        "--",
        *argv,
    ]


def prepare() -> None:
    """Make the private mount namespace fit for containers; once, before threads are started.

    crun refuses a host with cgroup v1 and v2 side by side, even when told to leave cgroups alone,
    so an empty file system hides both; runc, its stand-in, cannot do without and gets version 2
    alone. Network namespaces that `ip netns` would name stay private too.
    """
    if find("crun") is not None or find("runc") is None:
        mount("drydock", _CGROUP, "tmpfs", options="mode=755,size=64k")
    else:
        mount("drydock", _CGROUP, "cgroup2")
    _NETNS.mkdir(exist_ok=True)
    mount("drydock", _NETNS, "tmpfs", options="mode=755,size=1m")
    _MEMORY.mkdir(exist_ok=True)
    mount("drydock", _MEMORY, "tmpfs", options="mode=700,size=64m")


def memory_folder() -> Path | None:
    """Return a folder that no disk ever sees and that goes with the namespace, None outside of one.

    It holds what containers are started with, as that may contain secrets.
    """
    return _MEMORY if _MEMORY.is_mount() else None


def private_mounts() -> None:
    """Give the calling process (it must have one thread) its own mount namespace.

    For tests and tools. Mounts made on the host still arrive, mounts made here never leave.
    """
    unshare(CLONE_NEWNS)
    mount("none", Path("/"), flags=MS_REC | MS_SLAVE)
