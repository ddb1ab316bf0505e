"""Rules for Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs."""

from __future__ import annotations

import re

from drydock.cluster.errors import Cause, Json, Obj
from drydock.cluster.selectors import from_object
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import (
    IMMUTABLE,
    forbidden,
    invalid,
    non_negative,
    required,
    unsupported,
)
from drydock.cluster.validation.cron import schedule_error, unknown_zone
from drydock.cluster.validation.pods import template
from drydock.cluster.validation.registry import rule, update_rule

_NO_MATCH = "`selector` does not match template `labels`"
_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or"
    " '93%', regex used for validation is '[0-9]+%')"
)
_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


@rule("deployments.apps")
def deployment(obj: Obj) -> list[Cause]:
    """Check a Deployment."""
    spec = obj["spec"]
    causes = non_negative("spec.replicas", spec.get("replicas"))
    causes += _selected(spec, "deployment")
    causes += _always(spec)
    causes += _deployment_strategy(spec.get("strategy") or {})
    for name in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        causes += non_negative(f"spec.{name}", spec.get(name))
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds", 0)
    if deadline is not None and 0 <= deadline <= ready:
        why = "must be greater than minReadySeconds"
        causes.append(invalid("spec.progressDeadlineSeconds", deadline, why))
    return causes


@update_rule("deployments.apps", "replicasets.apps", "daemonsets.apps")
def selector_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that the selector stays."""
    selector = new["spec"].get("selector")
    if selector == old["spec"].get("selector"):
        return []
    return [invalid("spec.selector", selector, IMMUTABLE)]


@rule("replicasets.apps")
def replica_set(obj: Obj) -> list[Cause]:
    """Check a ReplicaSet."""
    spec = obj["spec"]
    causes = non_negative("spec.replicas", spec.get("replicas"))
    causes += non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    return causes + _selected(spec, "replica set") + _always(spec)


@rule("daemonsets.apps")
def daemon_set(obj: Obj) -> list[Cause]:
    """Check a DaemonSet."""
    spec = obj["spec"]
    causes = _selected(spec, "daemonset") + _always(spec)
    for name in ("minReadySeconds", "revisionHistoryLimit"):
        causes += non_negative(f"spec.{name}", spec.get(name))
    kind = (spec.get("updateStrategy") or {}).get("type")
    if kind not in ("RollingUpdate", "OnDelete"):
        known = ("RollingUpdate", "OnDelete")
        causes.append(unsupported("spec.updateStrategy", kind, known))
    return causes


@rule("statefulsets.apps")
def stateful_set(obj: Obj) -> list[Cause]:
    """Check a StatefulSet."""
    spec = obj["spec"]
    causes: list[Cause] = []
    policy = spec.get("podManagementPolicy")
    if policy not in ("OrderedReady", "Parallel"):
        why = "must be 'OrderedReady' or 'Parallel'"
        causes.append(invalid("spec.podManagementPolicy", policy, why))
    causes += non_negative("spec.replicas", spec.get("replicas"))
    causes += non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    return causes + _selected(spec, "statefulset") + _always(spec)


_STATEFUL_MUTABLE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template',"
    " 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and"
    " 'minReadySeconds' are forbidden"
)


@update_rule("statefulsets.apps")
def stateful_set_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that only the allowed fields change."""
    free = {
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    }  # fmt: skip
    mine = {k: v for k, v in new["spec"].items() if k not in free}
    theirs = {k: v for k, v in old["spec"].items() if k not in free}
    return [] if mine == theirs else [forbidden("spec", _STATEFUL_MUTABLE)]


@rule("jobs.batch")
def job(obj: Obj) -> list[Cause]:
    """Check a Job."""
    return _job_spec(obj["spec"], "spec")


@update_rule("jobs.batch")
def job_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that completions, selector and template stay."""
    after, before = new["spec"], old["spec"]
    causes = [
        invalid(f"spec.{name}", after.get(name), IMMUTABLE)
        for name in ("completions", "selector", "completionMode")
        if after.get(name) != before.get(name)
    ]
    if after["template"] != before["template"]:
        causes.append(invalid("spec.template.spec", after["template"]["spec"], IMMUTABLE))
    return causes


@rule("cronjobs.batch")
def cron_job(obj: Obj) -> list[Cause]:
    """Check a CronJob."""
    spec = obj["spec"]
    causes: list[Cause] = []
    schedule = spec.get("schedule") or ""
    if not schedule:
        causes.append(required("spec.schedule"))
    else:
        why = schedule_error(schedule)
        if why:
            causes.append(invalid("spec.schedule", schedule, why))
    causes += non_negative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    zone = spec.get("timeZone")
    if zone is not None and unknown_zone(zone):
        causes.append(invalid("spec.timeZone", zone, f"unknown time zone {zone}"))
    if spec.get("concurrencyPolicy") not in ("Allow", "Forbid", "Replace"):
        known = ("Allow", "Forbid", "Replace")
        causes.append(unsupported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), known))
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        causes += non_negative(f"spec.{name}", spec.get(name))
    return causes + _job_spec(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")


def _job_spec(spec: Obj, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in (
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
    ):
        causes += non_negative(f"{path}.{name}", spec.get(name))
    causes += template(spec["template"], f"{path}.template")
    if spec["template"]["spec"].get("restartPolicy") == "Always":
        where = f"{path}.template.spec.restartPolicy"
        causes.append(required(where, 'valid values: "OnFailure", "Never"'))
    return causes


def check_selector(selector: Obj, path: str) -> list[Cause]:
    """Check the expressions of a label selector."""
    causes: list[Cause] = []
    for at, one in enumerate(selector.get("matchExpressions") or ()):
        where, operator = f"{path}.matchExpressions[{at}]", one.get("operator")
        values = one.get("values") or ()
        if operator in ("In", "NotIn") and not values:
            why = "must be specified when `operator` is 'In' or 'NotIn'"
            causes.append(required(f"{where}.values", why))
        elif operator in ("Exists", "DoesNotExist") and values:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(forbidden(f"{where}.values", why))
        elif operator not in _OPERATORS:
            causes.append(invalid(f"{where}.operator", operator, "not a valid selector operator"))
        key = one.get("key") or ""
        causes += [invalid(f"{where}.key", key, why) for why in names.qualified_name(key)]
    return causes


def _selected(spec: Obj, kind: str) -> list[Cause]:
    """Check selector and template of a workload."""
    selector, found = spec.get("selector"), spec.get("template") or {}
    causes: list[Cause] = []
    labels = (found.get("metadata") or {}).get("labels")
    if selector is None:
        causes.append(required("spec.selector"))
    elif not selector:
        why = f"empty selector is invalid for {kind}"
        causes.append(invalid("spec.selector", selector, why))
    else:
        causes += check_selector(selector, "spec.selector")
    if not causes or selector is None:
        matcher = from_object(selector)
        if matcher is None or not matcher.matches(labels):
            causes.append(invalid("spec.template.metadata.labels", labels, _NO_MATCH))
    return causes + template(found, "spec.template")


def _always(spec: Obj) -> list[Cause]:
    pod = (spec.get("template") or {}).get("spec") or {}
    causes = []
    where = "spec.template.spec"
    if pod.get("restartPolicy") in ("Never", "OnFailure"):
        causes.append(unsupported(f"{where}.restartPolicy", pod["restartPolicy"], ("Always",)))
    if pod.get("activeDeadlineSeconds") is not None:
        why = "activeDeadlineSeconds in ReplicaSet is not Supported"
        causes.append(forbidden(f"{where}.activeDeadlineSeconds", why))
    return causes


def _deployment_strategy(strategy: Obj) -> list[Cause]:
    kind, rolling, path = strategy.get("type"), strategy.get("rollingUpdate"), "spec.strategy"
    if kind == "Recreate":
        if rolling is not None:
            why = "may not be specified when strategy `type` is 'Recreate'"
            return [forbidden(f"{path}.rollingUpdate", why)]
        return []
    if kind != "RollingUpdate":
        shown = {"Type": kind, "RollingUpdate": None}
        return [unsupported(path, shown, ("Recreate", "RollingUpdate"))]
    rolling = rolling or {}
    surge, gone = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    where = f"{path}.rollingUpdate"
    causes = int_or_percent(gone, f"{where}.maxUnavailable")
    causes += int_or_percent(surge, f"{where}.maxSurge")
    if _zero(surge) and _zero(gone):
        why = "may not be 0 when `maxSurge` is 0"
        causes.append(invalid(f"{where}.maxUnavailable", gone, why))
    return causes + _at_most_all(gone, f"{where}.maxUnavailable")


def int_or_percent(value: Json, path: str) -> list[Cause]:
    """Check that a value is a number or a percentage, and not negative."""
    if isinstance(value, int):
        return non_negative(path, value)
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+%", value):
        return [invalid(path, value, _PERCENT)]
    return []


def _at_most_all(value: Json, path: str) -> list[Cause]:
    if isinstance(value, str) and re.fullmatch(r"[0-9]+%", value) and int(value[:-1]) > 100:
        return [invalid(path, value, "must not be greater than 100%")]
    return []


def _zero(value: Json) -> bool:
    return value in (0, "0%")
