"""Whether pods come and go without anybody noticing: readiness, preStop, grace, and one pod that stays. Pure.

A pod is told to end at the same moment as everybody is told to send it nothing more. Without a pause before
the end, some requests come to a process that is gone.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from delivery.cluster import Obj

GRACE_SECONDS = 30
"""Kubernetes' own, where a manifest names none."""


class Finding(NamedTuple):
    """What is wrong, and the line of the manifest that mends it."""

    told: str
    way_out: str


def findings(objects: Collection[Obj], rolling: Collection[str]) -> list[Finding]:
    """Look at every Deployment that a Service sends requests to; `rolling` names those updated in place."""
    services = [each for each in objects if each["kind"] == "Service"]
    found: list[Finding] = []
    for obj in objects:
        if obj["kind"] == "Deployment" and any(_selects(each, obj) for each in services):
            found += _of_pods(obj)
            if obj["metadata"]["name"] in rolling:
                found += _of_update(obj)
    return found


def _of_pods(deployment: Obj) -> Iterator[Finding]:
    spec = deployment["spec"]["template"]["spec"]
    grace = int(spec.get("terminationGracePeriodSeconds", GRACE_SECONDS))
    for container in spec["containers"]:
        if not container.get("ports"):
            continue
        who = f"{deployment['metadata']['name']}, container {container['name']}"
        if not container.get("readinessProbe"):
            yield Finding(
                f"{who}: no readinessProbe, so it gets requests before it can answer",
                "readinessProbe: {httpGet: {path: /ready, port: http}}",
            )
        pause = (container.get("lifecycle") or {}).get("preStop")
        if not pause:
            yield Finding(
                f"{who}: no preStop, so it ends while requests are still sent to it",
                "lifecycle: {preStop: {sleep: {seconds: 3}}}",
            )
            continue
        seconds = int((pause.get("sleep") or {}).get("seconds", 0))
        if seconds >= grace:
            yield Finding(
                f"{who}: preStop takes {seconds} s and all of the end may take {grace} s: it is killed",
                f"terminationGracePeriodSeconds: {seconds + GRACE_SECONDS}",
            )


def _of_update(deployment: Obj) -> Iterator[Finding]:
    spec = deployment["spec"]
    replicas = int(spec.get("replicas", 1))
    if replicas and _missing_at_most(spec, replicas) >= replicas:
        yield Finding(
            f"{deployment['metadata']['name']}: an update may take away all of its {replicas} pods at once",
            "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}",
        )


def _missing_at_most(spec: Obj, replicas: int) -> int:
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return replicas
    value = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    return replicas * int(value.rstrip("%")) // 100 if isinstance(value, str) else int(value)


def _selects(service: Obj, deployment: Obj) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    labels = (deployment["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return bool(selector) and selector.items() <= labels.items()
