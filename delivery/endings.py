"""Whether pods come and go without anybody noticing: readiness, preStop, grace, one pod that stays. Pure.

A pod is told to end at the same moment as everybody is told to send it nothing more. Without a pause before
the end, some requests come to a process that is gone. A load balancer outside of the cluster that sends
requests to pods by their own addresses hears of new pods later than everybody else: a switch that replaces
all of them at once leaves it without any for a while.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from delivery.cluster import Obj

GRACE_SECONDS = 30
"""Kubernetes' own, where a manifest names none."""
ALB_CLASS, ALB_TARGETS = "alb", "alb.ingress.kubernetes.io/target-type"
NLB_TARGETS = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"
NEG = "cloud.google.com/neg"
CLASS = "kubernetes.io/ingress.class"


class Finding(NamedTuple):
    """What is wrong, and the line of the manifest that mends it."""

    told: str
    way_out: str


def findings(objects: Collection[Obj], rolling: Collection[str]) -> list[Finding]:
    """Look at every Deployment that a Service sends requests to; `rolling` names those updated in place."""
    services = [each for each in objects if each["kind"] == "Service"]
    found: list[Finding] = []
    switched = set[str]()
    for obj in objects:
        if obj["kind"] == "Deployment" and any(_selects(each, obj) for each in services):
            found += _of_pods(obj)
            if obj["metadata"]["name"] in rolling:
                found += _of_update(obj)
            else:
                switched |= {_name(each) for each in services if _selects(each, obj)}
    for obj in objects:
        found += _of_balancer(obj, switched)
    return found


def _of_balancer(obj: Obj, switched: Collection[str]) -> Iterator[Finding]:
    """Look at what leads to the Services of blue-green applications from outside of the cluster."""
    notes = obj["metadata"].get("annotations") or {}
    if obj["kind"] == "Ingress":
        names = sorted(_behind(obj["spec"]) & set(switched))
        classes = (obj["spec"].get("ingressClassName"), notes.get(CLASS))
        if names and ALB_CLASS in classes and notes.get(ALB_TARGETS) == "ip":
            yield _at_once(
                f"Ingress {_name(obj)}, to {', '.join(names)}", f"{ALB_TARGETS}: instance"
            )
    elif obj["kind"] == "Service" and _name(obj) in switched:
        if notes.get(NLB_TARGETS) == "ip":
            yield _at_once(f"Service {_name(obj)}", f"{NLB_TARGETS}: instance")
        if NEG in notes:
            yield _at_once(f"Service {_name(obj)}", f"{NEG}: '{{\"ingress\": false}}'")


def _at_once(who: str, line: str) -> Finding:
    return Finding(
        f"{who}: the load balancer sends requests to the pods' own addresses, and a blue-green switch replaces"
        " all of them at once: it may answer 503 until it knows the new ones. The drop counter asks by way of"
        " the API server and does not see that",
        f"{line}, or a proxy inside of the cluster in between, or strategy: rolling (docs/delivery.md)",
    )


def _behind(spec: Obj) -> set[str]:
    """Name the Services that an Ingress leads to."""
    rules = [rule.get("http") or {} for rule in spec.get("rules") or []]
    backends = [path.get("backend") or {} for rule in rules for path in rule.get("paths") or []]
    backends.append(spec.get("defaultBackend") or {})
    return {str((each.get("service") or {}).get("name", "")) for each in backends}


def _name(obj: Obj) -> str:
    return str(obj["metadata"]["name"])


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
