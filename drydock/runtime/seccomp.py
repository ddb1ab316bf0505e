"""The system call filter of containers, from the profile that Debian's container packages ship.

Called by bundle.py. The packaged file (golang-github-containers-common, a dependency of skopeo) is
in Docker's form, with rules that depend on architecture and capabilities; crun wants them decided.
Without the file a short list of calls that no build or service needs is denied. Either way a process
without CAP_SYS_ADMIN makes no namespaces, not even of users: the packaged profile would allow it,
but real engines do not, and what needs it (a browser's own sandbox) has to fail here too.
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
_ENOSYS = 38
_NAMESPACE_CALLS = frozenset({"clone", "clone3", "setns", "unshare"})
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of linux/sched.h.
_NEW_NAMESPACES = tuple(1 << bit for bit in (17, 25, 26, 27, 28, 29, 30))


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
            "syscalls": _decide_namespaces([_denial(_EPERM, *denied)], capabilities),
        }
    profile = json.loads(_PROFILE.read_bytes())
    rules = [_rule(rule) for rule in profile["syscalls"] if _applies(rule, name, capabilities)]
    found = {
        "defaultAction": profile["defaultAction"],
        "architectures": architectures,
        "syscalls": _decide_namespaces(rules, capabilities),
    }
    if "defaultErrnoRet" in profile:
        found["defaultErrnoRet"] = profile["defaultErrnoRet"]
    return found


def _allowed_by(call: str, capabilities: frozenset[str]) -> bool:
    return "CAP_SYS_ADMIN" in capabilities and call not in {"kexec_load", "kexec_file_load"}


def _decide_namespaces(
    rules: list[dict[str, Any]], capabilities: frozenset[str]
) -> list[dict[str, Any]]:
    """Leave threads and processes, and take what makes or enters a namespace, unless it is granted.

    clone3 hides its flags from a filter; as "not implemented" it makes the C library use clone.
    """
    if "CAP_SYS_ADMIN" in capabilities:
        return rules
    others = [
        {**rule, "names": [call for call in rule["names"] if call not in _NAMESPACE_CALLS]}
        for rule in rules
    ]
    plain = {"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": sum(_NEW_NAMESPACES), "valueTwo": 0}
    return [
        *(rule for rule in others if rule["names"]),
        _denial(_EPERM, "setns", "unshare"),
        _denial(_ENOSYS, "clone3"),
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [plain]},
        *(
            {**_denial(_EPERM, "clone"), "args": [{**plain, "value": flag, "valueTwo": flag}]}
            for flag in _NEW_NAMESPACES
        ),
    ]


def _denial(error: int, *calls: str) -> dict[str, Any]:
    return {"names": list(calls), "action": "SCMP_ACT_ERRNO", "errnoRet": error}


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
