"""Pod Security: the levels `baseline` and `restricted` that labels of a namespace ask for.

`enforce` refuses pods, `warn` adds warnings to pods and to everything that holds a pod template.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from drydock.cluster.errors import forbidden

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write

_PREFIX = "pod-security.kubernetes.io/"
_TEMPLATES = {
    "deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch",
    "cronjobs.batch", "replicationcontrollers", "podtemplates",
}  # fmt: skip
_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret", "image",
}  # fmt: skip
Check = Callable[["Obj"], str]


def check(write: Write, obj: Obj, old: Obj | None) -> None:
    """Refuse or warn by the labels of the namespace."""
    qualified = write.resource.qualified
    if qualified != "pods" and qualified not in _TEMPLATES:
        return
    namespace = write.core.find("namespaces", "", write.target.namespace)
    labels = ((namespace or {}).get("metadata") or {}).get("labels") or {}
    spec = _pod_spec(obj)
    if spec is None or (old is not None and _pod_spec(old) == spec):
        return
    enforce, warn = labels.get(f"{_PREFIX}enforce"), labels.get(f"{_PREFIX}warn")
    if qualified == "pods":
        reasons = violations(spec, enforce)
        if reasons:
            version = labels.get(f"{_PREFIX}enforce-version", "latest")
            text = f'violates PodSecurity "{enforce}:{version}": {", ".join(reasons)}'
            meta = obj["metadata"]
            raise forbidden(
                write.resource.about, meta.get("name") or meta.get("generateName", ""), text
            )
    level = warn or (enforce if qualified != "pods" else None)
    reasons = violations(spec, level)
    if reasons:
        version = labels.get(f"{_PREFIX}{'warn' if warn else 'enforce'}-version", "latest")
        text = f'would violate PodSecurity "{level}:{version}": {", ".join(reasons)}'
        write.request.warnings.append(text)


def violations(spec: Obj, level: str | None) -> list[str]:
    """Return why a pod does not meet a level."""
    checks: list[Check] = []
    if level in ("baseline", "restricted"):
        checks += [_host_namespaces, _privileged]
        if level == "baseline":
            checks.append(_baseline_capabilities)
        checks += [_host_path, _host_ports]
    if level == "restricted":
        checks += [_escalation, _restricted_capabilities, _restricted_volumes]
        checks += [_non_root, _root_user, _seccomp]
    return [reason for one in checks if (reason := one(spec))]


def _pod_spec(obj: Obj) -> Obj | None:
    if obj["kind"] == "Pod":
        return dict(obj["spec"])
    spec = obj.get("spec") or {}
    if obj["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = obj.get("template") or spec.get("template") or {}
    return template.get("spec")


def _containers(spec: Obj) -> list[Obj]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


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
