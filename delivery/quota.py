"""Quota: the room that the pods of a release need, including the surge of a rolling update."""

import math
import re
from decimal import Decimal

from delivery.cluster import FORBIDDEN, ApiError, Cluster, Obj
from delivery.progress import say

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)")


def quantity(text: object) -> Decimal:
    """Read a Kubernetes quantity such as `500m` or `1Gi`."""
    found = _QUANTITY.fullmatch(str(text))
    if not found or found[2] not in _SUFFIXES:
        raise ValueError(f"{text!r} is no quantity")
    return Decimal(found[1]) * _SUFFIXES[found[2]]


def shortages(cluster: Cluster, namespace: str, objects: list[Obj]) -> list[str]:
    """List what the namespace's quotas do not leave room for."""
    try:
        quotas = cluster.items(f"/api/v1/namespaces/{namespace}/resourcequotas")
    except ApiError as error:
        if error.status == FORBIDDEN:
            say("quota: not ours to read, the room left was not checked")
            return []
        raise
    # A quota with scopes counts some pods only; which ones, the API server knows best.
    quotas = [each for each in quotas if not {"scopes", "scopeSelector"} & set(each["spec"])]
    if not quotas:
        return []
    running = {
        each["metadata"]["name"]: each
        for each in cluster.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
    }
    wanted = demand([each for each in objects if each["kind"] == "Deployment"], running)
    lacks = []
    for each in quotas:
        status = each.get("status", {})
        for name, limit in status.get("hard", {}).items():
            left = quantity(limit) - quantity(status.get("used", {}).get(name, 0))
            if wanted.get(name, Decimal(0)) > left:
                told = f"{name}: {wanted[name]:f} more needed, {left:f} left"
                lacks.append(f"quota {each['metadata']['name']} is too small for {told}")
    return lacks


def demand(deployments: list[Obj], running: dict[str, Obj]) -> dict[str, Decimal]:
    """Sum up what the Deployments take beyond what already runs, at the height of their update."""
    total: dict[str, Decimal] = {}
    for deployment in deployments:
        now = running.get(deployment["metadata"]["name"], {}).get("status", {}).get("replicas", 0)
        pods = max(0, _most_pods(deployment["spec"]) - now)
        for name, each in _of_pod(deployment["spec"]["template"]["spec"]).items():
            total[name] = total.get(name, Decimal(0)) + each * pods
    return total


def _most_pods(spec: Obj) -> int:
    replicas = int(spec.get("replicas", 1))
    surge = spec.get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", "25%")
    if isinstance(surge, str):
        surge = math.ceil(replicas * int(surge.rstrip("%")) / 100)
    return replicas + int(surge)


def _of_pod(spec: Obj) -> dict[str, Decimal]:
    total = {"pods": Decimal(1)}
    for container in spec["containers"]:
        for side in ("requests", "limits"):
            for name, amount in container.get("resources", {}).get(side, {}).items():
                key = f"{side}.{name}"
                total[key] = total.get(key, Decimal(0)) + quantity(amount)
    for name in ("cpu", "memory"):
        if f"requests.{name}" in total:
            total[name] = total[f"requests.{name}"]
    return total
