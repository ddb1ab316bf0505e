"""Pre-flight: is everything there that the release needs? Nothing but the namespace is changed here."""

import json
from typing import Any

from delivery.cluster import (
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHORIZED,
    ApiError,
    Cluster,
    KubectlError,
    Obj,
)
from delivery.errors import PreflightError
from delivery.plan import Plan
from delivery.progress import say
from delivery.quota import shortages
from delivery.rollout import node_seconds
from delivery.strategy import Strategy

ADVICE = "Is it running? On this machine: drydock start"
LEVEL = "restricted"
GROUPS = {
    "ConfigMap": ("", "configmaps"),
    "CronJob": ("batch", "cronjobs"),
    "Deployment": ("apps", "deployments"),
    "HorizontalPodAutoscaler": ("autoscaling", "horizontalpodautoscalers"),
    "Ingress": ("networking.k8s.io", "ingresses"),
    "Job": ("batch", "jobs"),
    "LimitRange": ("", "limitranges"),
    "NetworkPolicy": ("networking.k8s.io", "networkpolicies"),
    "PodDisruptionBudget": ("policy", "poddisruptionbudgets"),
    "ResourceQuota": ("", "resourcequotas"),
    "Role": ("rbac.authorization.k8s.io", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io", "rolebindings"),
    "Secret": ("", "secrets"),
    "Service": ("", "services"),
    "ServiceAccount": ("", "serviceaccounts"),
    "StatefulSet": ("apps", "statefulsets"),
}
Right = tuple[str, str, str]
"""Verb, API group, resource (with `/subresource`)."""
ALWAYS: tuple[Right, ...] = (
    ("get", "apps", "deployments"),
    ("patch", "apps", "deployments"),
    ("list", "apps", "replicasets"),
    ("list", "", "pods"),
    ("get", "", "pods/log"),
    ("list", "", "events"),
    ("get", "", "configmaps"),
    ("create", "", "configmaps"),
    ("patch", "", "configmaps"),
    ("get", "", "services/proxy"),
    ("get", "coordination.k8s.io", "leases"),
    ("create", "coordination.k8s.io", "leases"),
    ("update", "coordination.k8s.io", "leases"),
    ("patch", "coordination.k8s.io", "leases"),
)

COLOURS: tuple[Right, ...] = (
    ("create", "apps", "deployments"),
    ("update", "apps", "deployments"),
    ("delete", "apps", "deployments"),
    ("get", "", "services"),
    ("create", "", "services"),
    ("patch", "", "services"),
    ("delete", "", "services"),
    ("list", "discovery.k8s.io", "endpointslices"),
)
"""What blue-green takes besides."""


def reach(cluster: Cluster) -> str:
    """Tell the cluster's version; raise PreflightError when it does not answer."""
    try:
        version = cluster.request("GET", "/version")
    except ApiError as error:
        if error.status in (UNAUTHORIZED, FORBIDDEN):
            told = f"the cluster does not let this kubeconfig in: {error}. Has its token expired?"
            raise PreflightError(told) from error
        raise PreflightError(f"the cluster does not answer: {error}. {ADVICE}") from error
    return str(version.get("gitVersion", "unknown"))


def ensure_namespace(cluster: Cluster, plan: Plan) -> None:
    """Find the namespace or make it; a team without cluster rights finds it made by others."""
    name = plan.namespace
    try:
        if cluster.find(f"/api/v1/namespaces/{name}") is not None:
            return
    except ApiError as error:
        if error.status == FORBIDDEN:
            return
        raise PreflightError(f"namespace {name} cannot be read: {error}") from error
    labels = {
        "app.kubernetes.io/managed-by": "shipyard",
        "pod-security.kubernetes.io/enforce": LEVEL,
        "pod-security.kubernetes.io/warn": LEVEL,
    }
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    try:
        cluster.request("POST", "/api/v1/namespaces", body)
    except ApiError as error:
        if cluster.find(f"/api/v1/namespaces/{name}") is not None:
            return
        told = f"namespace {name} is missing and cannot be made: {error}"
        raise PreflightError(f"{told}. Ask for: kubectl create namespace {name}") from error
    say(f"made namespace {name}")


def check(cluster: Cluster, plan: Plan, objects: list[Obj]) -> None:
    """Check notes, the rights that applying takes, and the pull secret; raise PreflightError with all lacks."""
    _refuse(_wrong_notes(objects), "write it as a string of digits, or leave it out")
    lacks = [
        f"no right to {verb} {resource} in {plan.namespace}"
        for verb, group, resource in needed(objects, plan)
        if not allowed(cluster, plan.namespace, (verb, group, resource))
    ]
    shown = f"kubectl -n {plan.namespace} auth can-i --list shows what there is"
    _refuse(lacks, f"ask for a Role with these rights in {plan.namespace}; {shown}")
    if plan.pull_secret:
        lacks = _pull_secret(cluster, plan.namespace, plan.pull_secret)
        _refuse(lacks, "whoever has the registry's token makes it; it never stands in git")


def check_room(cluster: Cluster, plan: Plan, objects: list[Obj]) -> None:
    """Check the quota. Only under the lock: the pods of another delivery would count as taken room."""
    shown = f"kubectl -n {plan.namespace} describe resourcequota shows what is taken"
    try:
        lacks = shortages(cluster, plan.namespace, objects)
        _refuse(lacks, f"fewer replicas, strategy rolling, or a larger quota; {shown}")
    except ApiError as error:
        raise PreflightError(f"the quota cannot be read: {error}") from error
    except ValueError as error:
        raise PreflightError(f"the manifests ask for resources wrongly: {error}") from error


def _wrong_notes(objects: list[Obj]) -> list[str]:
    lacks = []
    for each in objects:
        try:
            if each["kind"] == "Deployment":
                node_seconds(each)
        except ValueError as error:
            lacks.append(str(error))
    return lacks


def _refuse(lacks: list[str], way_out: str) -> None:
    if lacks:
        told = "pre-flight failed, nothing was changed:\n  " + "\n  ".join(lacks)
        raise PreflightError(f"{told}\n  Way out: {way_out}.")


def needed(objects: list[Obj], plan: Plan) -> list[Right]:
    """List the rights that a delivery of these objects takes."""
    coloured = any(each.strategy is Strategy.BLUE_GREEN for each in plan.services)
    rights = {*ALWAYS, *(COLOURS if coloured else ())}
    for obj in objects:
        known = GROUPS.get(obj["kind"])
        if known:
            rights |= {("create", *known), ("patch", *known)}
        if known and coloured and obj["kind"] == "HorizontalPodAutoscaler":
            # It is pointed at the colour that is live.
            rights.add(("list", *known))
    return sorted(rights)


def allowed(cluster: Cluster, namespace: str, right: Right) -> bool:
    """Ask what `kubectl auth can-i` asks."""
    verb, group, resource = right
    kind, _, subresource = resource.partition("/")
    attributes = {
        "namespace": namespace,
        "verb": verb,
        "group": group,
        "resource": kind,
        "subresource": subresource,
    }
    review: Obj = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    try:
        answer = cluster.request("POST", path, review)
    except ApiError as error:
        raise PreflightError(f"rights cannot be asked for: {error}") from error
    return bool(answer.get("status", {}).get("allowed"))


def objects_of(cluster: Cluster, namespace: str, rendered: str) -> list[Obj]:
    """Let kubectl read the rendered manifests: they are YAML, the standard library reads JSON."""
    try:
        told = cluster.kubectl(
            "create",
            "--dry-run=client",
            "--validate=false",
            "--output=json",
            f"--namespace={namespace}",
            "--filename=-",
            stdin=rendered,
        )
    except KubectlError as error:
        raise PreflightError(f"the manifests cannot be read: {error}") from error
    return listed(told)


def listed(text: str) -> list[Obj]:
    """Read the objects that kubectl wrote: one, a List, or several documents in a row."""
    decoder, position = json.JSONDecoder(), 0
    found: list[Obj] = []
    while position < len(text.rstrip()):
        value: Any
        value, position = decoder.raw_decode(text, position + _blank(text, position))
        found += value["items"] if str(value.get("kind", "")).endswith("List") else [value]
    return found


def _blank(text: str, position: int) -> int:
    return len(text[position:]) - len(text[position:].lstrip())


def _pull_secret(cluster: Cluster, namespace: str, name: str) -> list[str]:
    try:
        cluster.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
    except ApiError as error:
        if error.status == FORBIDDEN:
            say(f"pull secret {name}: not ours to read, its presence was not checked")
            return []
        if error.status == NOT_FOUND:
            hint = f"kubectl create secret docker-registry {name} -n {namespace} ..."
            return [f"pull secret {name} is missing: {hint}"]
        return [f"pull secret {name} cannot be read: {error}"]
    return []
