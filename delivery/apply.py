"""Applying: what the manifests say becomes what the cluster wants, under our own field manager."""

import json
from collections.abc import Iterable

from delivery.cluster import Cluster, KubectlError, Obj
from delivery.errors import PreflightError
from delivery.ownership import MANAGER


def rehearse(cluster: Cluster, namespace: str, objects: Iterable[Obj]) -> None:
    """Let the API server judge everything before anything is changed: one refusal refuses all."""
    try:
        apply(cluster, namespace, objects, "--dry-run=server")
    except KubectlError as error:
        told = f"the cluster refuses the manifests, nothing was changed:\n{error}"
        raise PreflightError(told) from error


def apply(cluster: Cluster, namespace: str, objects: Iterable[Obj], *flags: str) -> str:
    """Apply objects; return what kubectl says, raise KubectlError."""
    # JSON is YAML too.
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    return cluster.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        f"--field-manager={MANAGER}",
        f"--namespace={namespace}",
        "--filename=-",
        *flags,
        stdin=json.dumps(listed),
    )
