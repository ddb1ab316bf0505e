"""Every pod runs as a service account and carries its token, unless it says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.cluster.errors import ApiError
from drydock.cluster.identity import suffix

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_SECONDS = 3607


def assign(write: Write, pod: Obj) -> None:
    """Give a pod its account, pull secrets and token volume, in place; 403 for an unknown account."""
    spec, namespace = pod["spec"], write.target.namespace
    name = spec.get("serviceAccountName") or "default"
    account = write.core.find("serviceaccounts", namespace, name)
    if account is None:
        shown = pod["metadata"].get("name") or pod["metadata"].get("generateName", "")
        why = (
            f"error looking up service account {namespace}/{name}:"
            f' serviceaccount "{name}" not found'
        )
        details = {"name": shown, "kind": "pods"}
        raise ApiError(403, "Forbidden", f'pods "{shown}" is forbidden: {why}', details)
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = list(account["imagePullSecrets"])
    wanted = spec.get(
        "automountServiceAccountToken", account.get("automountServiceAccountToken", True)
    )
    if wanted:
        _mount(spec)


def _mount(spec: Obj) -> None:
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    without = [
        container
        for container in containers
        if all(mount.get("mountPath") != MOUNT for mount in container.get("volumeMounts") or ())
    ]
    if not without:
        return
    name = f"kube-api-access-{suffix()}"
    for container in without:
        mount = {"name": name, "readOnly": True, "mountPath": MOUNT}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _SECONDS, "path": "token"}},
        {
            "configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }
        },
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    volume = {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}
    spec["volumes"] = [*(spec.get("volumes") or ()), volume]
