"""The OCI bundle of one container: ProcessSpec in, config.json and the files it binds out.

Called by runner.py. Isolation is Docker's: own pid, mount, ipc, uts and network namespaces, its
default capabilities and system call filter, its masked and read-only paths; `privileged` lifts
these. No cgroups and no resource limits: the machine may not let us set them.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drydock.runtime.capabilities import NAMES, granted
from drydock.runtime.machine_env import BUNDLE_INSIDE, MachineEnv, machine_env, search_domains
from drydock.runtime.network import NAMESERVER, Endpoint
from drydock.runtime.process import BindMount, Mount, ProcessSpec
from drydock.runtime.seccomp import filter_for
from drydock.runtime.seccomp_bpf import ANNOTATION, compiled_filter

# Named and placed as a real engine does, since processes see it as their parent.
INIT_INSIDE = "/.init"
OWN_FILES = ("/etc/hosts", "/etc/resolv.conf", "/etc/hostname")
SYSTEM_FOLDERS = ("/proc", "/dev", "/sys")

_MASKED = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/cgroup",
]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
_EXTRA_DEVICES = ("/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/loop-control")


def write_bundle(
    folder: Path,
    rootfs: Path,
    spec: ProcessSpec,
    mounts: list[Mount],
    init: str | None,
    *,
    compiled: bool = True,
) -> None:
    """Write config.json and what it binds into `folder`.

    `init`: host path of a static init, None for none. `compiled`: the runtime takes a finished
    system call filter (crun).
    """
    machine = machine_env().for_image(rootfs)
    config: dict[str, Any] = {
        "ociVersion": "1.0.2",
        "process": process(spec, machine, init=init is not None),
        "root": {"path": str(rootfs), "readonly": spec.read_only_root},
        "hostname": spec.hostname or folder.name,
        "mounts": [
            *_system_mounts(spec),
            *_own_mounts(folder, spec, machine, init),
            *_mounts(mounts),
        ],
        "linux": _linux(spec),
    }
    if not spec.privileged:
        if compiled and (program := compiled_filter(spec.capabilities)) is not None:
            config["annotations"] = {ANNOTATION: program}
        elif (calls := filter_for(spec.capabilities)) is not None:
            config["linux"]["seccomp"] = calls
    (folder / "config.json").write_text(json.dumps(config))


def process(spec: ProcessSpec, machine: MachineEnv, *, init: bool = False) -> dict[str, Any]:
    """Return the OCI process of `spec`; `init`: started by the container's init."""
    command = [INIT_INSIDE, "--", *spec.args] if init else list(spec.args)
    variables = machine.fill_in(spec.env)
    capabilities = granted(NAMES if spec.privileged else spec.capabilities)
    return {
        "args": command,
        "env": [f"{name}={value}" for name, value in variables.items()],
        "cwd": spec.cwd,
        "user": {
            "uid": spec.user.uid,
            "gid": spec.user.gid,
            "additionalGids": list(spec.user.additional_gids),
        },
        "noNewPrivileges": spec.no_new_privileges,
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
    }


def _linux(spec: ProcessSpec) -> dict[str, Any]:
    network: dict[str, Any] = {"type": "network"}
    if spec.network is not None:
        network["path"] = str(spec.network.namespace)
    linux: dict[str, Any] = {
        "namespaces": [network, *({"type": kind} for kind in ("pid", "mount", "ipc", "uts"))],
    }
    if spec.privileged:
        linux["devices"] = [_device(Path(path)) for path in _EXTRA_DEVICES if Path(path).exists()]
        return linux
    linux["maskedPaths"] = _MASKED
    linux["readonlyPaths"] = _READ_ONLY
    return linux


def _device(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {
        "path": str(path),
        "type": "c",
        "major": status.st_rdev >> 8 & 0xFFF,
        "minor": status.st_rdev & 0xFF | status.st_rdev >> 12 & 0xFFF00,
        "fileMode": stat.S_IMODE(status.st_mode),
        "uid": 0,
        "gid": 0,
    }


def _system_mounts(spec: ProcessSpec) -> list[dict[str, Any]]:
    quiet = ["nosuid", "noexec", "nodev"]
    terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
    table: list[tuple[str, str, list[str]]] = [
        ("/proc", "proc", quiet),
        ("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        ("/dev/pts", "devpts", terminals),
        ("/dev/shm", "tmpfs", [*quiet, "mode=1777", "size=65536k"]),  # noqa: S108 - inside
        ("/dev/mqueue", "mqueue", quiet),
        ("/sys", "sysfs", [*quiet, *([] if spec.privileged else ["ro"])]),
    ]
    return [
        {"destination": target, "type": kind, "source": kind, "options": options}
        for target, kind, options in table
    ]


def _own_mounts(
    folder: Path, spec: ProcessSpec, machine: MachineEnv, init: str | None
) -> list[dict[str, Any]]:
    """Write the container's own /etc files.

    Return their mounts, those of the init and of the certificates.
    """
    hostname = spec.hostname or folder.name
    texts = {
        "/etc/hosts": _hosts(hostname, spec.network, spec.hosts),
        "/etc/resolv.conf": resolver_of(spec.network),
        "/etc/hostname": f"{hostname}\n",
    }
    claimed = {mount.target.rstrip("/") for mount in spec.mounts}
    mounts = []
    for target, text in texts.items():
        if target not in claimed:
            source = folder / Path(target).name
            source.write_text(text)
            source.chmod(0o644)
            mounts.append(_bind(source, target))
    if init is not None:
        mounts.append(_bind(Path(init), INIT_INSIDE, read_only=True))
    if machine.bundle is not None:
        mounts.append(_bind(machine.bundle, BUNDLE_INSIDE, read_only=True))
    return mounts


def _mounts(mounts: list[Mount]) -> list[dict[str, Any]]:
    found = []
    for mount in mounts:
        if isinstance(mount, BindMount):
            found.append(_bind(mount.source, mount.target, read_only=mount.read_only))
        else:
            size = [] if mount.size is None else [f"size={mount.size}"]
            options = ["nosuid", "nodev", f"mode={mount.mode:o}", *size]
            found.append(
                {
                    "destination": mount.target,
                    "type": "tmpfs",
                    "source": "tmpfs",
                    "options": options,
                }
            )
    return found


def _bind(source: Path, target: str, *, read_only: bool = False) -> dict[str, Any]:
    options = ["rbind", "rprivate", *(["ro"] if read_only else [])]
    return {"destination": target, "type": "bind", "source": str(source), "options": options}


def _hosts(hostname: str, network: Endpoint | None, further: Mapping[str, str]) -> str:
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines.append(f"{network.address if network else '127.0.1.1'}\t{hostname}")
    lines += [f"{address}\t{name}" for name, address in further.items()]
    return "\n".join(lines) + "\n"


def resolver_of(network: Endpoint | None) -> str:
    """Return the /etc/resolv.conf of a process on an endpoint; without one, nobody can be asked."""
    if network is None:
        return ""
    return "\n".join([f"nameserver {NAMESERVER}", *search_domains()]) + "\n"
