"""The Pod Security Standard `baseline`: what nobody needs who does not administer the node.

Pure. `standards` asks these checks, most of them for `restricted` too. Each returns its reason and the
details in the words of a real server.
"""

from __future__ import annotations

from drydock.cluster.admission.setters import (
    containers,
    context,
    has_own_users,
    listed,
    must,
    named,
    quoted,
    setters,
)
from drydock.cluster.errors import Obj

_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip
_SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def capabilities(spec: Obj) -> str:
    """Containers that add capabilities which runtimes do not give by default."""
    names, added = [], []
    for one in containers(spec):
        extra = set((context(one).get("capabilities") or {}).get("add") or ()) - _CAPABILITIES
        if extra:
            names.append(one["name"])
            added += [name for name in sorted(extra) if name not in added]
    if not names:
        return ""
    told = f"not include {quoted(sorted(added))} in securityContext.capabilities.add"
    return f"non-default capabilities ({must(names)} {told})"


def host_namespaces(spec: Obj) -> str:
    """Namespaces of the node that a pod shares."""
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return f"host namespaces ({', '.join(used)})" if used else ""


def host_path(spec: Obj) -> str:
    """Volumes that are folders of the node."""
    names = [v["name"] for v in spec.get("volumes") or () if "hostPath" in v]
    if not names:
        return ""
    word = "volume" if len(names) == 1 else "volumes"
    return f"hostPath volumes ({word} {quoted(names)})"


def host_ports(spec: Obj) -> str:
    """Ports of the node that containers take."""
    names, ports = [], []
    for one in containers(spec):
        used = [str(p["hostPort"]) for p in one.get("ports") or () if p.get("hostPort")]
        if used:
            names.append(one["name"])
            ports += used
    if not names:
        return ""
    word = "hostPort" if len(ports) == 1 else "hostPorts"
    verb = "uses" if len(names) == 1 else "use"
    return f"hostPort ({listed(names)} {verb} {word} {', '.join(ports)})"


def host_probes(spec: Obj) -> str:
    """Probes and hooks that call another host than the pod."""
    hosts: list[str] = []
    names = []
    for one in containers(spec):
        handlers = [one.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
        handlers += (one.get("lifecycle") or {}).values()
        found = [
            (handler or {}).get(kind, {}).get("host", "")
            for handler in handlers
            for kind in ("httpGet", "tcpSocket")
        ]
        if any(found):
            names.append(one["name"])
            hosts += [host for host in found if host and host not in hosts]
    if not names:
        return ""
    word = "host" if len(hosts) == 1 else "hosts"
    verb = "uses" if len(names) == 1 else "use"
    told = f"{verb} probe or lifecycle {word} {quoted(hosts)}"
    return f"probe or lifecycle host ({listed(names)} {told})"


def privileged(spec: Obj) -> str:
    """Containers with all rights of the node."""
    names = named(spec, lambda c: bool(c.get("privileged")))
    return f"privileged ({must(names)} not set securityContext.privileged=true)" if names else ""


def proc_mount(spec: Obj) -> str:
    """Containers that see all of /proc, unless root is nobody outside of the pod."""
    return "" if has_own_users(spec) else unmasked_proc(spec)


def unmasked_proc(spec: Obj) -> str:
    """Containers that see all of /proc; `restricted` asks it of every pod."""
    found = {one["name"]: context(one).get("procMount") for one in containers(spec)}
    wrong = {name: str(kind) for name, kind in found.items() if kind not in (None, "Default")}
    if not wrong:
        return ""
    shown = quoted(sorted(set(wrong.values())))
    return f"procMount ({must(list(wrong))} not set securityContext.procMount to {shown})"


def selinux(spec: Obj) -> str:
    """Who changes what SELinux would keep apart."""
    contexts = [context(one) for one in (spec, *containers(spec))]
    options = [one.get("seLinuxOptions") or {} for one in contexts]
    types = sorted({one["type"] for one in options if one.get("type", "") not in _SELINUX})
    parts = []
    if types:
        word = "type" if len(types) == 1 else "types"
        parts.append(f"{word} {quoted(types)}")
    parts += [
        f"{field} may not be set"
        for field in ("user", "role")
        if any(one.get(field) for one in options)
    ]
    if not parts:
        return ""
    pod = _bad_selinux(options[0])
    pairs = zip(containers(spec), options[1:], strict=True)
    names = [container["name"] for container, one in pairs if _bad_selinux(one)]
    verb = "sets" if pod + len(names) == 1 else "set"
    return (
        f"seLinuxOptions ({setters(names, pod=pod)} {verb} forbidden securityContext.seLinuxOptions:"
        f" {'; '.join(parts)})"
    )


def _bad_selinux(options: Obj) -> bool:
    return options.get("type", "") not in _SELINUX or bool(
        options.get("user") or options.get("role")
    )


def sysctls(spec: Obj) -> str:
    """Parameters of the kernel that reach beyond the pod."""
    found = [one["name"] for one in context(spec).get("sysctls") or ()]
    wrong = [name for name in found if name not in _SYSCTLS]
    return f"forbidden sysctls ({', '.join(wrong)})" if wrong else ""


def seccomp(spec: Obj) -> str:
    """Who turns the filter of system calls off."""
    pod = (context(spec).get("seccompProfile") or {}).get("type") == "Unconfined"
    names = named(spec, lambda c: (c.get("seccompProfile") or {}).get("type") == "Unconfined")
    wrong = setters(names, pod=pod)
    if not wrong:
        return ""
    return (
        f'seccompProfile ({wrong} must not set securityContext.seccompProfile.type to "Unconfined")'
    )
