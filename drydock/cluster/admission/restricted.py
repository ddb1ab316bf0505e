"""The Pod Security Standard `restricted`: what it asks for beyond `baseline`.

Pure. Called by `standards`. Two kinds of fault differ, as on a real server: a bad value that the pod or
a container sets itself, whatever others set, and a value that nobody set who could have.
"""

from __future__ import annotations

from drydock.cluster.admission.setters import (
    containers,
    context,
    has_own_users,
    must,
    named,
    quoted,
    setters,
)
from drydock.cluster.errors import Obj

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret", "image",
}  # fmt: skip
_PROFILES = ("RuntimeDefault", "Localhost")


def escalation(spec: Obj) -> str:
    """Containers whose processes may get more rights than they began with."""
    names = named(spec, lambda c: c.get("allowPrivilegeEscalation") is not False)
    if not names:
        return ""
    return (
        f"allowPrivilegeEscalation != false ({must(names)} set"
        " securityContext.allowPrivilegeEscalation=false)"
    )


def capabilities(spec: Obj) -> str:
    """Containers that keep what they could drop, or add more than the low ports."""
    keeping = named(spec, lambda c: "ALL" not in ((c.get("capabilities") or {}).get("drop") or ()))
    adding = named(spec, lambda c: bool(_added(c)))
    parts = []
    if keeping:
        parts.append(f'{must(keeping)} set securityContext.capabilities.drop=["ALL"]')
    if adding:
        extra = sorted({name for one in containers(spec) for name in _added(context(one))})
        told = f"not include {quoted(extra)} in securityContext.capabilities.add"
        parts.append(f"{must(adding)} {told}")
    return f"unrestricted capabilities ({'; '.join(parts)})" if parts else ""


def _added(held: Obj) -> set[str]:
    return set((held.get("capabilities") or {}).get("add") or ()) - {"NET_BIND_SERVICE"}


def volumes(spec: Obj) -> str:
    """Volumes that reach beyond the pod and the cluster's own storage."""
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


def non_root(spec: Obj) -> str:
    """Who may run as root: by saying so, or as nobody says otherwise. User namespaces make it harmless."""
    if has_own_users(spec):
        return ""
    pod = context(spec).get("runAsNonRoot")
    wrong = setters(named(spec, lambda c: c.get("runAsNonRoot") is False), pod=pod is False)
    if wrong:
        return f"runAsNonRoot != true ({wrong} must not set securityContext.runAsNonRoot=false)"
    silent = [] if pod else named(spec, lambda c: c.get("runAsNonRoot") is None)
    if not silent:
        return ""
    return f"runAsNonRoot != true (pod or {must(silent)} set securityContext.runAsNonRoot=true)"


def root_user(spec: Obj) -> str:
    """Who asks for the number of root."""
    names = named(spec, lambda c: c.get("runAsUser") == 0)
    wrong = setters(names, pod=context(spec).get("runAsUser") == 0)
    return f"runAsUser=0 ({wrong} must not set runAsUser=0)" if wrong else ""


def seccomp(spec: Obj) -> str:
    """Who runs without a filter of system calls: by choosing so, or as nobody chose one."""
    pod = _profile(context(spec))
    own = [_profile(context(one)) for one in containers(spec)]
    names = named(spec, lambda c: _is_bad(_profile(c)))
    wrong = setters(names, pod=_is_bad(pod))
    if wrong:
        values = quoted(sorted({str(one) for one in (pod, *own) if _is_bad(one)}))
        return (
            f"seccompProfile ({wrong} must not set securityContext.seccompProfile.type to {values})"
        )
    silent = [] if pod else named(spec, lambda c: _profile(c) is None)
    if not silent:
        return ""
    return (
        f"seccompProfile (pod or {must(silent)} set securityContext.seccompProfile.type to"
        ' "RuntimeDefault" or "Localhost")'
    )


def _profile(held: Obj) -> str | None:
    """Return the type of the profile that a security context sets, None when it sets none."""
    profile = held.get("seccompProfile")
    return None if profile is None else str(profile.get("type", ""))


def _is_bad(profile: str | None) -> bool:
    return profile is not None and profile not in _PROFILES
