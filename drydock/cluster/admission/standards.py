"""The Pod Security Standards: which checks a level consists of, and what they find in a pod.

Pure. `security` asks by the labels of namespaces. The order of the checks is that of a real server: by
level, then by their names; where `restricted` has a check of its own it stands for that of `baseline`.
"""

from __future__ import annotations

from drydock.cluster.admission import baseline, restricted
from drydock.cluster.admission.setters import Check
from drydock.cluster.errors import Obj

LEVELS = ("privileged", "baseline", "restricted")
_CHECKS: dict[str, tuple[Check, ...]] = {
    "baseline": (
        baseline.capabilities,
        baseline.host_namespaces,
        baseline.host_path,
        baseline.host_ports,
        baseline.host_probes,
        baseline.privileged,
        baseline.proc_mount,
        baseline.selinux,
        baseline.seccomp,
        baseline.sysctls,
    ),
    "restricted": (
        baseline.host_namespaces,
        baseline.host_ports,
        baseline.host_probes,
        baseline.privileged,
        baseline.unmasked_proc,
        baseline.selinux,
        baseline.sysctls,
        restricted.escalation,
        restricted.capabilities,
        restricted.volumes,
        restricted.non_root,
        restricted.root_user,
        restricted.seccomp,
    ),
}


def violations(spec: Obj, level: str | None) -> list[str]:
    """Return why a pod does not meet a level, each reason with its details."""
    return [reason for check in _CHECKS.get(level or "", ()) if (reason := check(spec))]


def reasons(found: list[str]) -> str:
    """Return reasons without their details."""
    return ", ".join(one.partition(" (")[0] for one in found)
