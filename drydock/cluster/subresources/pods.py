"""Binding, eviction and the partial updates of pods."""

from __future__ import annotations

from drydock.cluster import body
from drydock.cluster.client import copied
from drydock.cluster.core import Core
from drydock.cluster.errors import ApiError, Obj, bad_request, conflict, not_found
from drydock.cluster.identity import now
from drydock.cluster.message import Request, Response
from drydock.cluster.resources import Resource
from drydock.cluster.route import Target
from drydock.cluster.selectors import from_object
from drydock.cluster.verbs import options
from drydock.cluster.verbs.delete import delete_object
from drydock.cluster.verbs.patch import patch as patch_object
from drydock.cluster.verbs.read import get
from drydock.cluster.verbs.update import update as update_object
from drydock.cluster.verbs.write import Write

PODS = "pods"


def part(core: Core, target: Target, request: Request) -> Response:
    """Change ephemeral containers or resources of a running pod."""
    if target.verb == "get":
        return get(core, target, request)
    if target.verb == "patch":
        return patch_object(core, target, request)
    return update_object(core, target, request)


def binding(core: Core, target: Target, request: Request) -> Response:
    """Give a pod its node; answers 201. A pod that has one already is a conflict."""
    found = body.raw(request, "Binding")
    name = target.name or (found.get("metadata") or {}).get("name", "")
    resource = _pods(core)
    key = core.key(resource, target.namespace, name)
    pod = core.store.get(key)
    if pod is None:
        raise not_found(resource.about, name)
    node = (found.get("target") or {}).get("name", "")
    if not node:
        raise bad_request("target.name: Required value")
    if pod["spec"].get("nodeName"):
        why = f"pod {name} is already assigned to node \"{pod['spec']['nodeName']}\""
        raise conflict(resource.about, name, why)
    new = copied(pod)
    new["spec"]["nodeName"] = node
    conditions = [c for c in new["status"].get("conditions") or () if c["type"] != "PodScheduled"]
    condition: Obj = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": now(),
    }
    condition["observedGeneration"] = new["metadata"].get("generation", 1)
    new["status"]["conditions"] = [*conditions, condition]
    if not options.dry_run(request, "CreateOptions"):
        core.store.replace(key, new)
    return Response(201, _success())


def evict(core: Core, target: Target, request: Request) -> Response:
    """Delete a pod unless a disruption budget needs it (429)."""
    found = body.raw(request, "Eviction") or {}
    resource = target.resource
    pod = core.store.get(core.key(resource, target.namespace, target.name))
    if pod is None:
        raise not_found(resource.about, target.name)
    given = found.get("deleteOptions") or {}
    dry = bool(given.get("dryRun")) or options.dry_run(request, "CreateOptions")
    if pod["status"].get("phase") not in ("Succeeded", "Failed") and (
        "deletionTimestamp" not in pod["metadata"]
    ):
        _ask_budgets(core, target, pod, dry=dry)
    delete_object(Write(core, target, request, dry), pod, given)
    return Response(201, _success())


def _ask_budgets(core: Core, target: Target, pod: Obj, *, dry: bool) -> None:
    labels = pod["metadata"].get("labels")
    budgets = []
    for one in core.store.all("poddisruptionbudgets.policy", target.namespace):
        selector = from_object(one["spec"].get("selector"))
        if selector is not None and selector.matches(labels):
            budgets.append(one)
    if len(budgets) > 1:
        raise ApiError(500, "InternalError", "This pod has more than one PodDisruptionBudget, which"
                       " the eviction subresource does not support.")  # fmt: skip
    if not budgets:
        return
    budget = budgets[0]
    name, status = budget["metadata"]["name"], budget["status"]
    if not _ready(pod) and status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0:
        return
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        _refuse(f"The disruption budget {name} is still being processed by the server.", 10)
    allowed = status.get("disruptionsAllowed", 0)
    if allowed <= 0:
        desired, current = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        _refuse(
            f"The disruption budget {name} needs {desired} healthy pods and has {current} currently"
        )
    if dry:
        return
    new = copied(budget)
    new["status"]["disruptionsAllowed"] = allowed - 1
    new["status"].setdefault("disruptedPods", {})[target.name] = now()
    key = core.key(_kind(core, "policy/v1", "PodDisruptionBudget"), target.namespace, name)
    core.store.replace(key, new)


def _ready(pod: Obj) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _refuse(why: str, retry: int = 0) -> None:
    details: Obj = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    text = "Cannot evict pod as it would violate the pod's disruption budget."
    error = ApiError(429, "TooManyRequests", text, details)
    if retry:
        details["retryAfterSeconds"] = retry
        error.headers["Retry-After"] = str(retry)
    raise error


def _pods(core: Core) -> Resource:
    return _kind(core, "v1", "Pod")


def _kind(core: Core, version: str, kind: str) -> Resource:
    found = core.registry.kind(version, kind)
    if found is None:
        raise KeyError(kind)
    return found


def _success() -> Obj:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
