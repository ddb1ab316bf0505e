"""Checks of what would be delivered: that it renders, is taken, finds room, and keeps the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from delivery.apply import rehearse
from delivery.bluegreen.assembly import blue_green, machine_for, rolling, taken_out
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.trial import demanded, try_out
from delivery.cluster import FORBIDDEN, ApiError, Cluster, Obj
from delivery.endings import findings
from delivery.errors import PlanError, PreflightError
from delivery.modes import Mode
from delivery.operations.preflight.check import Check, failed, ok, unknown, warning
from delivery.operations.preflight.pod_security import template_of, violations
from delivery.operations.presence import is_missing, look_up
from delivery.operations.room import used_of
from delivery.parts import split
from delivery.plan import Plan
from delivery.preflight import LEVEL
from delivery.quota import shortages
from delivery.release import wanted

MANIFESTS, QUOTA, POD_SECURITY, PODS_END = "manifests", "quota", "pod security", "pods end"
ENFORCE = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True)
class Load:
    """What a delivery would bring: rendered objects, those it applies, and the machines of the colours."""

    rendered: Sequence[Obj]
    applied: Sequence[Obj]
    machines: Sequence[Machine]


def load_of(cluster: Cluster, plan: Plan) -> Load | Check:
    """Render the manifests, or tell why they do not."""
    try:
        rendered = wanted(cluster, plan)
        parts, painted = taken_out(split(rendered, plan), plan)
    except (PlanError, PreflightError) as error:
        overlay = f"manifests/environments/{plan.environment}"
        return failed(MANIFESTS, str(error), f"kubectl kustomize {overlay}")
    machines = [
        machine_for(cluster, plan, each, "", lambda: None, painted[each.name])
        for each in blue_green(plan)
    ]
    return Load(rendered, parts.objects, machines)


def manifests_are_taken(cluster: Cluster, plan: Plan, load: Load) -> Check:
    """Let the API server judge everything, changing nothing."""
    count = f"{len(load.rendered)} objects"
    if plan.mode is Mode.GITOPS:
        return ok(MANIFESTS, f"{count} render; whoever applies them judges them")
    if is_missing(cluster, plan.namespace):
        return unknown(MANIFESTS, f"{count} render; judged when the namespace is there")
    try:
        rehearse(cluster, plan.namespace, load.applied)
        try_out(load.machines)
    except PreflightError as error:
        return failed(MANIFESTS, str(error), "mend what it names, in the manifests")
    return ok(MANIFESTS, f"{count}: the API server would take them (dry run)")


def quota_has_room(cluster: Cluster, plan: Plan, load: Load) -> Check:
    """Check the room that the release takes at the height of its update."""
    path = f"/api/v1/namespaces/{plan.namespace}/resourcequotas"
    try:
        quotas = cluster.items(path)
    except ApiError as error:
        if error.status == FORBIDDEN:
            return unknown(QUOTA, "not ours to read")
        raise
    if not quotas:
        return ok(QUOTA, "none is set")
    objects = [*load.applied, *demanded(load.machines)]
    lacks = shortages(cluster, plan.namespace, objects)
    used = "; ".join(line for each in quotas for line in used_of(each))
    if lacks:
        way = "a larger quota, smaller requests, fewer replicas; `cleanup` ends what is past its window"
        return failed(QUOTA, "\n".join(lacks), way)
    return ok(QUOTA, f"there is room: {used}")


def pods_are_secure(cluster: Cluster, plan: Plan, load: Load) -> Check:
    """Judge the rendered pods by the level that the namespace enforces."""
    readable, found = look_up(cluster, plan.namespace)
    if not readable:
        return unknown(POD_SECURITY, "the namespace's labels are not ours to read")
    labels = (found["metadata"].get("labels") or {}) if found else {ENFORCE: LEVEL}
    level = labels.get(ENFORCE, "")
    templates = {
        f"{each['kind']} {each['metadata']['name']}": spec
        for each in load.rendered
        if (spec := template_of(each)) is not None
    }
    if not level:
        return ok(POD_SECURITY, "the namespace enforces no level")
    broken = [
        f"{name}: {told}" for name, spec in templates.items() for told in violations(spec, level)
    ]
    if broken:
        told = "\n".join([f"the namespace enforces {level}, so these pods are not made:", *broken])
        return failed(POD_SECURITY, told, "set these fields in manifests/apps")
    return ok(POD_SECURITY, f"{level} is enforced; all {len(templates)} kinds of pods keep to it")


def pods_end_in_order(plan: Plan, load: Load) -> Check:
    """Lint readiness, preStop and grace; what works on other clusters without them works here too."""
    found = findings(load.rendered, [each.name for each in rolling(plan)])
    if not found:
        return ok(PODS_END, "each has a readinessProbe, a preStop and the time for it")
    told = "\n".join(each.told for each in found)
    ways = "\n".join(dict.fromkeys(each.way_out for each in found))
    return warning(PODS_END, told, f"in the Deployment's manifest:\n{ways}")
