"""Pod Security: what of a pod a level forbids, by the standards that Kubernetes publishes. Pure.

The API server judges pods when they are made, which is after a Deployment was accepted; here their
templates are judged before anything is changed. Every violation names the field.
"""

from collections.abc import Iterator

from delivery.cluster import Obj

BASELINE, RESTRICTED = "baseline", "restricted"
HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
BASELINE_CAPABILITIES = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"}
    | {"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
RESTRICTED_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
RESTRICTED_VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"}
    | {"persistentVolumeClaim", "projected", "secret"}
)
CONFINED = frozenset({"RuntimeDefault", "Localhost"})
SELINUX_TYPES = frozenset(
    {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)
SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
    }
    | {"net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range"}
    | {"net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time"}
    | {"net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"}
)
Named = tuple[str, Obj]
"""Where something stands, and its security context."""


def violations(spec: Obj, level: str) -> list[str]:
    """List the fields of a pod's spec that a level forbids; none for a level that forbids nothing."""
    found: list[str] = []
    if level in (BASELINE, RESTRICTED):
        found += _baseline(spec)
    if level == RESTRICTED:
        found += _restricted(spec)
    return found


def template_of(obj: Obj) -> Obj | None:
    """Give the spec of the pods that an object makes, or is."""
    spec: Obj = obj.get("spec") or {}
    if obj["kind"] == "Pod":
        return spec
    if obj["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template = spec.get("template")
    found = template.get("spec") if isinstance(template, dict) else None
    return found if isinstance(found, dict) and "containers" in found else None


def _baseline(spec: Obj) -> Iterator[str]:
    for name in HOST_NAMESPACES:
        if spec.get(name):
            yield f"{name} must not be true"
    for volume in spec.get("volumes") or ():
        if "hostPath" in volume:
            yield f"volumes[{volume['name']}] must not be a hostPath"
    for sysctl in (spec.get("securityContext") or {}).get("sysctls") or ():
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield f"securityContext.sysctls must not name {sysctl['name']}"
    for where, context in [_pod(spec), *_contexts(spec)]:
        yield from _profiles(where, context)
    for where, context in _contexts(spec):
        if context.get("privileged"):
            yield f"{where}.privileged must not be true"
        if context.get("procMount", "Default") != "Default":
            yield f"{where}.procMount must be Default"
        for extra in sorted(_added(context) - BASELINE_CAPABILITIES):
            yield f"{where}.capabilities.add must not name {extra}"
    for where, container in _containers(spec):
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield f"{where}.ports must not name the hostPort {port['hostPort']}"


def _profiles(where: str, context: Obj) -> Iterator[str]:
    """Check what a pod and each of its containers may say alike."""
    if (context.get("seccompProfile") or {}).get("type") == "Unconfined":
        yield f"{where}.seccompProfile.type must not be Unconfined"
    if (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in CONFINED:
        yield f"{where}.appArmorProfile.type must be RuntimeDefault or Localhost"
    selinux = context.get("seLinuxOptions") or {}
    if selinux.get("type", "") not in SELINUX_TYPES:
        yield f"{where}.seLinuxOptions.type must not be {selinux['type']}"
    for key in ("user", "role"):
        if selinux.get(key):
            yield f"{where}.seLinuxOptions.{key} must not be set"
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield f"{where}.windowsOptions.hostProcess must not be true"


def _restricted(spec: Obj) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        for kind in sorted(volume.keys() - {"name", "hostPath"} - RESTRICTED_VOLUMES):
            yield f"volumes[{volume['name']}] must not be a {kind}"
    pod = _pod(spec)[1]
    if pod.get("runAsUser") == 0:
        yield "securityContext.runAsUser must not be 0"
    windows = (spec.get("os") or {}).get("name") == "windows"
    for where, context in _contexts(spec):
        if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
            yield f"{where}.runAsNonRoot must be true"
        if context.get("runAsUser") == 0:
            yield f"{where}.runAsUser must not be 0"
        if not windows:
            yield from _restricted_on_linux(where, context, pod)


def _restricted_on_linux(where: str, context: Obj, pod: Obj) -> Iterator[str]:
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{where}.allowPrivilegeEscalation must be false"
    profile = context.get("seccompProfile") or pod.get("seccompProfile") or {}
    if profile.get("type") not in {*CONFINED, "Unconfined"}:
        # Unconfined was told by the baseline already.
        yield f"{where}.seccompProfile.type must be RuntimeDefault or Localhost"
    if "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()):
        yield f"{where}.capabilities.drop must name ALL"
    for extra in sorted(_added(context) & BASELINE_CAPABILITIES - RESTRICTED_CAPABILITIES):
        yield f"{where}.capabilities.add must not name {extra}"


def _pod(spec: Obj) -> Named:
    return "securityContext", spec.get("securityContext") or {}


def _contexts(spec: Obj) -> list[Named]:
    return [
        (f"{where}.securityContext", container.get("securityContext") or {})
        for where, container in _containers(spec)
    ]


def _containers(spec: Obj) -> list[Named]:
    return [
        (f"{key}[{container['name']}]", container)
        for key in ("initContainers", "containers")
        for container in spec.get(key) or ()
    ]


def _added(context: Obj) -> set[str]:
    return set((context.get("capabilities") or {}).get("add") or ())
