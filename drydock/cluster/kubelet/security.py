"""Who a container runs as and what it may do: security contexts, the image's user, capabilities.

Invariant: `runAsNonRoot` is decided before anything starts, and a container never gets a right
that neither the defaults nor its security context name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drydock.cluster.controllers.meta import key_of
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.source import ConfigError
from drydock.runtime.errors import SetupFailed
from drydock.runtime.process import DEFAULT_CAPABILITIES, User
from drydock.runtime.rootview import RootView
from drydock.runtime.users import resolve_account


@dataclass(frozen=True)
class Rights:
    """What `ProcessSpec` needs to know about identity and rights."""

    user: User
    read_only_root: bool
    no_new_privileges: bool
    privileged: bool
    capabilities: frozenset[str]


def full_name(pod: Obj) -> str:
    """Name a pod as the kubelet's messages do: `NAME_NAMESPACE(UID)`."""
    namespace, name = key_of(pod)
    return f"{name}_{namespace}({pod['metadata']['uid']})"


def rights_of(pod: Obj, container: Obj, image_user: str, rootfs: Path) -> Rights:
    """Merge the two security contexts with the image's user; raises ConfigError."""
    of_pod = pod["spec"].get("securityContext") or {}
    own = container.get("securityContext") or {}
    merged = {**of_pod, **own}
    if merged.get("runAsNonRoot"):
        _check_non_root(pod, container, merged.get("runAsUser"), image_user)
    extra = [*(of_pod.get("supplementalGroups") or [])]
    if of_pod.get("fsGroup") is not None:
        extra.append(of_pod["fsGroup"])
    privileged = bool(own.get("privileged"))
    return Rights(
        user=_user(RootView(rootfs), merged, image_user, extra),
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        privileged=privileged,
        capabilities=_capabilities(own.get("capabilities") or {}),
    )


def _check_non_root(pod: Obj, container: Obj, run_as: int | None, image_user: str) -> None:
    where = f'(pod: "{full_name(pod)}", container: {container["name"]})'
    if run_as == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
    if run_as is not None:
        return
    name = image_user.partition(":")[0]
    if name in ("", "0"):
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if not name.isdigit():
        raise ConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({name}), "
            f"cannot verify user is non-root {where}"
        )


def _capabilities(wanted: Obj) -> frozenset[str]:
    dropped = {_capability(name) for name in wanted.get("drop") or []}
    added = {_capability(name) for name in wanted.get("add") or []}
    kept = frozenset() if "CAP_ALL" in dropped else DEFAULT_CAPABILITIES - dropped
    return kept | added


def _capability(name: str) -> str:
    upper = name.upper()
    return upper if upper.startswith("CAP_") else f"CAP_{upper}"


def _user(view: RootView, merged: Obj, image_user: str, extra: list[int]) -> User:
    """Return the numeric identity; raises ConfigError for a name the image does not know."""
    run_as, group = merged.get("runAsUser"), merged.get("runAsGroup")
    try:
        user = resolve_account(view, image_user if run_as is None else str(run_as)).user
    except SetupFailed as error:
        raise ConfigError(str(error)) from error
    gids = tuple(dict.fromkeys([*user.additional_gids, *extra]))
    return User(user.uid, user.gid if group is None else group, gids)
