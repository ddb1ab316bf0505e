"""Applying: what the manifests say becomes what the cluster wants, under our own field manager."""

import json
from collections.abc import Iterable

from delivery.cluster import Cluster, KubectlError, Obj
from delivery.errors import PreflightError
from delivery.ownership import MANAGER

DIFFERS = 1
"""The exit code by which `kubectl diff` says that there are differences."""


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


def difference(cluster: Cluster, namespace: str, objects: Iterable[Obj]) -> str:
    """Let the API server say what applying objects would change, as a diff; raise KubectlError."""
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    return cluster.kubectl(
        "diff",
        "--server-side",
        "--force-conflicts",
        f"--field-manager={MANAGER}",
        f"--namespace={namespace}",
        "--filename=-",
        stdin=json.dumps(listed),
        good=(0, DIFFERS),
    )
