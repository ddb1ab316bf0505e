"""Checks of the way in: the cluster and its version, the namespace, the rights, the pull secret."""

import json
import re
from collections.abc import Collection

from delivery.cluster import FORBIDDEN, ApiError, Cluster, Obj
from delivery.errors import PreflightError
from delivery.modes import Mode
from delivery.operations.preflight.check import Check, failed, ok, unknown
from delivery.operations.presence import look_up
from delivery.operations.table import table
from delivery.plan import Plan
from delivery.preflight import LEVEL, Right, allowed, needed, reach

CLUSTER, NAMESPACE, RIGHTS, PULL_SECRET = "cluster", "namespace", "rights", "pull secret"
SKEW = 1
"""Minor versions that kubectl may be older or newer than the API server, by Kubernetes' own promise."""
READING = frozenset({"get", "list", "watch"})
CREDENTIALS = frozenset({"kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"})


def cluster_answers(cluster: Cluster) -> Check:
    """Check that the API server answers, and that this kubectl may speak to it."""
    try:
        server = reach(cluster)
    except PreflightError as error:
        return failed(CLUSTER, str(error), "kubectl cluster-info, with the same kubeconfig")
    told = json.loads(cluster.kubectl("version", "--client", "--output=json"))
    client = str(told["clientVersion"]["gitVersion"])
    ours, theirs = _minor(client), _minor(server)
    if ours is None or theirs is None:
        return unknown(CLUSTER, f"{server} answers; whether kubectl {client} suits it is not known")
    if abs(ours - theirs) > SKEW:
        return failed(
            CLUSTER,
            f"{server} answers, but kubectl {client} is more than {SKEW} minor version away",
            f"use a kubectl of 1.{theirs}, or bring the cluster to 1.{ours - SKEW} or newer",
        )
    return ok(CLUSTER, f"{server} answers; kubectl {client} is within {SKEW} minor version")


def namespace_is_there(cluster: Cluster, namespace: str) -> Check:
    """Check the namespace, or that it may be made."""
    readable, found = look_up(cluster, namespace)
    if not readable:
        return unknown(NAMESPACE, f"{namespace}: not ours to read, it is taken to be there")
    if found is not None:
        if found.get("status", {}).get("phase") == "Terminating":
            return failed(NAMESPACE, f"{namespace} is being deleted", "wait until it is gone")
        return ok(NAMESPACE, f"{namespace} is there")
    if allowed(cluster, "", ("create", "", "namespaces")):
        return ok(NAMESPACE, f"{namespace} is missing; the first delivery makes it ({LEVEL})")
    told = f"{namespace} is missing, and this login may not make it"
    return failed(NAMESPACE, told, f"ask for: kubectl create namespace {namespace}")


def rights_suffice(cluster: Cluster, plan: Plan, objects: list[Obj]) -> Check:
    """Check every right that a delivery takes, each one within the namespace only."""
    wanted = needed(objects, plan)
    if plan.mode is Mode.GITOPS:
        # Others apply what is committed; a delivery looks on.
        wanted = [right for right in wanted if right[0] in READING]
    has = {right for right in wanted if allowed(cluster, plan.namespace, right)}
    lacking = [right for right in wanted if right not in has]
    listed = table(("resource", "may", "may not"), _rows(wanted, has))
    count = f"{len(has)} of {len(wanted)}, all within namespace {plan.namespace}"
    if not lacking:
        return ok(RIGHTS, f"{count}\n{listed}")
    asked = [
        f"kubectl -n {plan.namespace} create role shipyard-{place} --verb={','.join(verbs)}"
        f" --resource={resource}"
        for place, (resource, verbs) in enumerate(_by_resource(lacking).items(), 1)
    ]
    way = "\n".join(["ask for these, each with a rolebinding:", *asked])
    return failed(RIGHTS, f"{count}\n{listed}", way)


def pull_secret_is_there(cluster: Cluster, plan: Plan) -> Check:
    """Check the Secret that images are pulled with."""
    name, namespace = plan.pull_secret, plan.namespace
    if not name:
        return ok(PULL_SECRET, "none is wanted")
    hint = f"kubectl -n {namespace} create secret docker-registry {name} ..."
    try:
        found = cluster.find(f"/api/v1/namespaces/{namespace}/secrets/{name}")
    except ApiError as error:
        if error.status == FORBIDDEN:
            return unknown(PULL_SECRET, f"{name}: not ours to read")
        raise
    if found is None:
        return failed(PULL_SECRET, f"{name} is missing", hint)
    if found.get("type") not in CREDENTIALS:
        told = f"{name} is a Secret of type {found.get('type')}, no login for a registry"
        return failed(PULL_SECRET, told, f"delete it, then {hint}")
    return ok(PULL_SECRET, f"{name} is there")


def _rows(wanted: Collection[Right], has: Collection[Right]) -> list[tuple[str, str, str]]:
    may = _by_resource([right for right in wanted if right in has])
    may_not = _by_resource([right for right in wanted if right not in has])
    return [
        (resource, " ".join(may.get(resource, ())), " ".join(may_not.get(resource, ())) or "-")
        for resource in _by_resource(wanted)
    ]


def _by_resource(rights: Collection[Right]) -> dict[str, list[str]]:
    """List verbs by resource, written as kubectl wants it."""
    found: dict[str, list[str]] = {}
    for verb, group, resource in sorted(rights, key=lambda right: (right[2], right[1], right[0])):
        kind, _, subresource = resource.partition("/")
        name = ".".join(filter(None, (kind, group))) + (f"/{subresource}" if subresource else "")
        found.setdefault(name, []).append(verb)
    return found


def _minor(version: str) -> int | None:
    """Read the minor version of Kubernetes 1."""
    found = re.match(r"v1\.(\d+)", version)
    return int(found[1]) if found else None
