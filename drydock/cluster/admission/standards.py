"""The Pod Security Standards `baseline` and `restricted`: what each finds wrong with a pod.

Pure. `security` asks by the labels of namespaces. Every check returns its reason and the details, both
in the words of a real server; the order is that of a server too: by level, then by the checks' names.
"""

from __future__ import annotations

from collections.abc import Callable

from drydock.cluster.errors import Obj

LEVELS = ("privileged", "baseline", "restricted")
_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret", "image",
}  # fmt: skip
_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip
_SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
Check = Callable[[Obj], str]


def violations(spec: Obj, level: str | None) -> list[str]:
    """Return why a pod does not meet a level, each reason with its details."""
    if level not in ("baseline", "restricted"):
        return []
    checks: list[Check] = [] if level == "restricted" else [_baseline_capabilities]
    checks.append(_host_namespaces)
    if level == "baseline":
        checks.append(_host_path)
    checks += [_host_ports, _host_probes, _privileged, _proc_mount, _selinux]
    if level == "baseline":
        checks.append(_baseline_seccomp)
    checks.append(_sysctls)
    if level == "restricted":
        checks += [_escalation, _restricted_capabilities, _restricted_volumes]
        checks += [_non_root, _root_user, _seccomp]
    return [reason for one in checks if (reason := one(spec))]


def reasons(found: list[str]) -> str:
    """Return reasons without their details."""
    return ", ".join(one.partition(" (")[0] for one in found)


def _containers(spec: Obj) -> list[Obj]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [one for kind in kinds for one in spec.get(kind) or ()]


def _named(spec: Obj, wrong: Callable[[Obj], bool]) -> list[str]:
    return [c["name"] for c in _containers(spec) if wrong(c.get("securityContext") or {})]


def _list(names: list[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"container {quoted}" if len(names) == 1 else f"containers {quoted}"


def _must(names: list[str]) -> str:
    return f"{_list(names)} must"


def _host_namespaces(spec: Obj) -> str:
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return f"host namespaces ({', '.join(used)})" if used else ""


def _privileged(spec: Obj) -> str:
    names = _named(spec, lambda c: bool(c.get("privileged")))
    return f"privileged ({_must(names)} not set securityContext.privileged=true)" if names else ""


def _baseline_capabilities(spec: Obj) -> str:
    names, added = [], []
    for one in _containers(spec):
        context = one.get("securityContext") or {}
        extra = set((context.get("capabilities") or {}).get("add") or ()) - _CAPABILITIES
        if extra:
            names.append(one["name"])
            added += [name for name in sorted(extra) if name not in added]
    if not names:
        return ""
    shown = ", ".join(f'"{name}"' for name in sorted(added))
    return f"non-default capabilities ({_must(names)} not include {shown} in securityContext.capabilities.add)"


def _host_path(spec: Obj) -> str:
    names = [v["name"] for v in spec.get("volumes") or () if "hostPath" in v]
    if not names:
        return ""
    shown = ", ".join(f'"{name}"' for name in names)
    word = "volume" if len(names) == 1 else "volumes"
    return f"hostPath volumes ({word} {shown})"


def _host_ports(spec: Obj) -> str:
    names, ports = [], []
    for one in _containers(spec):
        used = [str(p["hostPort"]) for p in one.get("ports") or () if p.get("hostPort")]
        if used:
            names.append(one["name"])
            ports += used
    if not names:
        return ""
    word = "hostPort" if len(ports) == 1 else "hostPorts"
    verb = "uses" if len(names) == 1 else "use"
    return f"hostPort ({_list(names)} {verb} {word} {', '.join(ports)})"


def _escalation(spec: Obj) -> str:
    names = _named(spec, lambda c: c.get("allowPrivilegeEscalation") is not False)
    if not names:
        return ""
    return (
        f"allowPrivilegeEscalation != false ({_must(names)} set"
        " securityContext.allowPrivilegeEscalation=false)"
    )


def _restricted_capabilities(spec: Obj) -> str:
    keeping = _named(spec, lambda c: "ALL" not in ((c.get("capabilities") or {}).get("drop") or ()))
    adding = _named(
        spec,
        lambda c: bool(set((c.get("capabilities") or {}).get("add") or ()) - {"NET_BIND_SERVICE"}),
    )
    parts = []
    if keeping:
        parts.append(f'{_must(keeping)} set securityContext.capabilities.drop=["ALL"]')
    if adding:
        extra = sorted(
            {
                name
                for c in _containers(spec)
                for name in (
                    ((c.get("securityContext") or {}).get("capabilities") or {}).get("add") or ()
                )
            }
            - {"NET_BIND_SERVICE"}
        )
        shown = ", ".join(f'"{name}"' for name in extra)
        parts.append(f"{_must(adding)} not include {shown} in securityContext.capabilities.add")
    return f"unrestricted capabilities ({'; '.join(parts)})" if parts else ""


def _restricted_volumes(spec: Obj) -> str:
    names, kinds = [], []
    for volume in spec.get("volumes") or ():
        kind = next((name for name in volume if name != "name"), "")
        if kind and kind not in _VOLUMES:
            names.append(f'"{volume["name"]}"')
            kinds.append(f'"{kind}"')
    if not names:
        return ""
    word, verb = ("volume", "uses") if len(names) == 1 else ("volumes", "use")
    types = f"restricted volume type{'s' if len(set(kinds)) > 1 else ''}"
    return (
        f"restricted volume types ({word} {', '.join(names)} {verb} {types}"
        f" {', '.join(sorted(set(kinds)))})"
    )


def _non_root(spec: Obj) -> str:
    pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    names = _named(spec, lambda c: c.get("runAsNonRoot", pod) is not True)
    if not names:
        return ""
    who = _must(names)
    if len(names) == len(_containers(spec)):
        who = f"pod or {who}"
    return f"runAsNonRoot != true ({who} set securityContext.runAsNonRoot=true)"


def _root_user(spec: Obj) -> str:
    names = _named(spec, lambda c: c.get("runAsUser") == 0)
    pod = (spec.get("securityContext") or {}).get("runAsUser") == 0
    if not names and not pod:
        return ""
    who = "pod" if pod and not names else _list(names)
    return f"runAsUser=0 ({who} must not set runAsUser=0)"


def _seccomp(spec: Obj) -> str:
    good = ("RuntimeDefault", "Localhost")
    pod = ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type")
    names = _named(spec, lambda c: (c.get("seccompProfile") or {}).get("type", pod) not in good)
    if not names:
        return ""
    who = _must(names)
    if len(names) == len(_containers(spec)):
        who = f"pod or {who}"
    return (
        f'seccompProfile ({who} set securityContext.seccompProfile.type to "RuntimeDefault" or'
        ' "Localhost")'
    )


def _host_probes(spec: Obj) -> str:
    """Probes and hooks that call another host than the pod."""
    hosts: list[str] = []
    names = []
    for one in _containers(spec):
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
    shown = ", ".join(f'"{host}"' for host in hosts)
    verb = "uses" if len(names) == 1 else "use"
    return f"probe or lifecycle host ({_list(names)} {verb} probe or lifecycle {word} {shown})"


def _proc_mount(spec: Obj) -> str:
    found = {
        c["name"]: (c.get("securityContext") or {}).get("procMount") for c in _containers(spec)
    }
    wrong = {name: kind for name, kind in found.items() if kind not in (None, "Default")}
    if not wrong:
        return ""
    shown = ", ".join(f'"{kind}"' for kind in sorted(set(map(str, wrong.values()))))
    return f"procMount ({_must(list(wrong))} not set securityContext.procMount to {shown})"


def _selinux(spec: Obj) -> str:
    contexts = [spec.get("securityContext") or {}]
    contexts += [c.get("securityContext") or {} for c in _containers(spec)]
    options = [one.get("seLinuxOptions") or {} for one in contexts]
    types = sorted({one["type"] for one in options if one.get("type", "") not in _SELINUX})
    parts = []
    if types:
        word = "type" if len(types) == 1 else "types"
        parts.append(f"{word} " + ", ".join(f'"{one}"' for one in types))
    parts += [
        f"{field} may not be set"
        for field in ("user", "role")
        if any(one.get(field) for one in options)
    ]
    if not parts:
        return ""
    who = [] if not _bad_selinux(options[0]) else ["pod"]
    pairs = zip(_containers(spec), options[1:], strict=True)
    names = [container["name"] for container, one in pairs if _bad_selinux(one)]
    who += [_list(names)] if names else []
    verb = "sets" if len(who) == 1 and len(names) < 2 else "set"
    return (
        f"seLinuxOptions ({' and '.join(who)} {verb} forbidden securityContext.seLinuxOptions:"
        f" {'; '.join(parts)})"
    )


def _bad_selinux(options: Obj) -> bool:
    return options.get("type", "") not in _SELINUX or bool(
        options.get("user") or options.get("role")
    )


def _sysctls(spec: Obj) -> str:
    found = [one["name"] for one in (spec.get("securityContext") or {}).get("sysctls") or ()]
    wrong = [name for name in found if name not in _SYSCTLS]
    return f"forbidden sysctls ({', '.join(wrong)})" if wrong else ""


def _baseline_seccomp(spec: Obj) -> str:
    pod = ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type")
    names = _named(spec, lambda c: (c.get("seccompProfile") or {}).get("type") == "Unconfined")
    who = ["pod"] if pod == "Unconfined" else []
    who += [_list(names)] if names else []
    if not who:
        return ""
    return (
        f"seccompProfile ({' and '.join(who)} must not set securityContext.seccompProfile.type to"
        ' "Unconfined")'
    )
