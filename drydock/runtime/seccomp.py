"""The system call filter of containers, from the profile that Debian's container packages ship.

Called by bundle.py. The packaged file (golang-github-containers-common, a dependency of skopeo) is
in Docker's form, with rules that depend on architecture and capabilities; crun wants them decided.
Without the file a short list of calls that no build or service needs is denied.
"""

from __future__ import annotations

import functools
import json
import platform
from pathlib import Path
from typing import Any

_PROFILE = Path("/usr/share/containers/seccomp.json")
_ARCHITECTURES = {
    "x86_64": ("amd64", ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]),
    "aarch64": ("arm64", ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]),
}
_DENIED = [
    "acct",
    "add_key",
    "bpf",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "get_kernel_syms",
    "init_module",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount_setattr",
    "move_pages",
    "nfsservctl",
    "open_by_handle_at",
    "perf_event_open",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "query_module",
    "quotactl",
    "reboot",
    "request_key",
    "setdomainname",
    "sethostname",
    "settimeofday",
    "swapoff",
    "swapon",
    "sysfs",
    "syslog",
    "umount2",
    "uselib",
    "userfaultfd",
    "vhangup",
]
_EPERM = 1


@functools.cache
def filter_for(capabilities: frozenset[str]) -> dict[str, Any] | None:
    """Return the OCI `linux.seccomp` object for a process with these capabilities.

    None on an unknown architecture.
    """
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return None
    name, architectures = known
    if not _PROFILE.exists():
        denied = [call for call in _DENIED if not _allowed_by(call, capabilities)]
        return {
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": architectures,
            "syscalls": [{"names": denied, "action": "SCMP_ACT_ERRNO", "errnoRet": _EPERM}],
        }
    profile = json.loads(_PROFILE.read_bytes())
    rules = [_rule(rule) for rule in profile["syscalls"] if _applies(rule, name, capabilities)]
    found = {
        "defaultAction": profile["defaultAction"],
        "architectures": architectures,
        "syscalls": rules,
    }
    if "defaultErrnoRet" in profile:
        found["defaultErrnoRet"] = profile["defaultErrnoRet"]
    return found


def _allowed_by(call: str, capabilities: frozenset[str]) -> bool:
    return "CAP_SYS_ADMIN" in capabilities and call not in {"kexec_load", "kexec_file_load"}


def _applies(rule: dict[str, Any], architecture: str, capabilities: frozenset[str]) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    wanted = includes.get("caps") or []
    return (
        architecture in (includes.get("arches") or [architecture])
        and architecture not in (excludes.get("arches") or [])
        and all(capability in capabilities for capability in wanted)
        and not any(capability in capabilities for capability in excludes.get("caps") or [])
    )


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    keys = ("names", "action", "errnoRet", "args")
    return {key: rule[key] for key in keys if rule.get(key) is not None}
