"""Rules for quotas, limits, budgets, autoscalers and RBAC."""

from __future__ import annotations

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.quantity import amount, parse
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import invalid, required, unsupported
from drydock.cluster.validation.registry import rule, update_rule
from drydock.cluster.validation.workloads import check_selector, int_or_percent

_COUNTED = (
    "pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "resourcequotas",
    "replicationcontrollers", "services.nodeports", "services.loadbalancers",
)  # fmt: skip
_MEASURED = (
    "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "limits.cpu",
    "limits.memory", "requests.storage", "requests.ephemeral-storage", "limits.ephemeral-storage",
)  # fmt: skip
_COMPUTED = [name for name in _MEASURED if name != "requests.storage"]
_SCOPES = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
           "CrossNamespacePodAffinity")  # fmt: skip
_RBAC = "rbac.authorization.k8s.io"


@rule("resourcequotas")
def quota(obj: Obj) -> list[Cause]:
    """Check names and amounts of a quota."""
    causes: list[Cause] = []
    for name, value in (obj["spec"].get("hard") or {}).items():
        path = f"spec.hard[{name}]"
        causes += [invalid(path, name, why) for why in names.qualified_name(name)]
        if "/" not in name and name not in _COUNTED and name not in _MEASURED:
            causes.append(invalid(path, name, "must be a standard resource for quota"))
        if amount(value) < 0:
            causes.append(invalid(path, value, "must be greater than or equal to 0"))
        if (name in _COUNTED or name.startswith("count/")) and not parse(str(value)).integer:
            causes.append(invalid(path, value, "must be an integer"))
    return causes + _scopes(obj["spec"])


def _scopes(spec: Obj) -> list[Cause]:
    """Check that scopes exist, fit what is counted, and do not exclude each other."""
    found, path = spec.get("scopes") or [], "spec.scopes"
    counted = [name for name in spec.get("hard") or {} if name in (*_COUNTED, *_MEASURED)]
    causes: list[Cause] = []
    for scope in found:
        if scope not in _SCOPES:
            causes.append(invalid(path, found, "unsupported scope"))
            continue
        fitting = {"pods"} if scope == "BestEffort" else {"pods", *_COMPUTED}
        wrong = [name for name in counted if name not in fitting]
        causes += [invalid(path, found, "unsupported scope applied to resource") for _ in wrong]
    for pair in ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}):
        if pair <= set(found):
            causes.append(invalid(path, found, "conflicting scopes"))
    return causes


@rule("limitranges")
def limit_range(obj: Obj) -> list[Cause]:
    """Check that minimum, request, default and maximum rise."""
    causes: list[Cause] = []
    for at, item in enumerate(obj["spec"].get("limits") or ()):
        path = f"spec.limits[{at}]"
        parts = {n: item.get(n) or {} for n in ("min", "max", "default", "defaultRequest")}
        for name in sorted({key for part in parts.values() for key in part}):
            causes += _limit(parts, name, path)
    return causes


def _limit(parts: dict[str, Obj], name: str, path: str) -> list[Cause]:
    least, most = parts["min"].get(name), parts["max"].get(name)
    limit, request = parts["default"].get(name), parts["defaultRequest"].get(name)
    causes: list[Cause] = []

    def above(one: str | None, other: str | None) -> bool:
        return one is not None and other is not None and amount(one) > amount(other)

    if above(least, most):
        why = f"min value {least} is greater than max value {most}"
        causes.append(invalid(f"{path}.min[{name}]", least, why))
    for value, bound, field, shown, text in (
        (least, request, "defaultRequest", request, "min value {} is greater than default request value {}"),
        (request, most, "defaultRequest", request, "default request value {} is greater than max value {}"),
        (request, limit, "defaultRequest", request, "default request value {} is greater than default limit value {}"),
        (least, limit, "default", least, "min value {} is greater than default value {}"),
        (limit, most, "default", most, "default value {} is greater than max value {}"),
    ):  # fmt: skip
        if above(value, bound):
            causes.append(invalid(f"{path}.{field}[{name}]", shown, text.format(value, bound)))
    return causes


@rule("poddisruptionbudgets.policy")
def budget(obj: Obj) -> list[Cause]:
    """Check the bounds of a disruption budget."""
    spec = obj["spec"]
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        shown = {
            "MinAvailable": least,
            "Selector": spec.get("selector"),
            "MaxUnavailable": most,
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }
        return [invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set")]
    causes: list[Cause] = []
    for name, value in (("minAvailable", least), ("maxUnavailable", most)):
        causes += int_or_percent(value, f"spec.{name}")
    return causes + check_selector(spec.get("selector") or {}, "spec.selector")


@rule("horizontalpodautoscalers.autoscaling")
def autoscaler(obj: Obj) -> list[Cause]:
    """Check an autoscaler."""
    spec = obj["spec"]
    least, most, target = (
        spec.get("minReplicas"),
        spec.get("maxReplicas", 0),
        spec["scaleTargetRef"],
    )
    causes: list[Cause] = []
    if least is not None and least < 1:
        causes.append(invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        causes.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if least is not None and most < least:
        why = "must be greater than or equal to `minReplicas`"
        causes.append(invalid("spec.maxReplicas", most, why))
    for name in ("kind", "name"):
        causes += [] if target.get(name) else [required(f"spec.scaleTargetRef.{name}")]
    version = target.get("apiVersion") or ""
    if "/" not in version and target.get("kind") != "ReplicationController":
        why = "apiVersion must specify API group"
        causes.append(invalid("spec.scaleTargetRef.apiVersion", version, why))
    return causes


@rule(f"roles.{_RBAC}", f"clusterroles.{_RBAC}")
def role(obj: Obj) -> list[Cause]:
    """Check the rules of a role."""
    causes: list[Cause] = []
    for at, one in enumerate(obj.get("rules") or ()):
        path = f"rules[{at}]"
        if not one.get("verbs"):
            causes.append(required(f"{path}.verbs", "verbs must contain at least one value"))
        if one.get("nonResourceURLs"):
            if obj["kind"] == "Role":
                why = "namespaced rules cannot apply to non-resource URLs"
                causes.append(invalid(f"{path}.nonResourceURLs", one["nonResourceURLs"], why))
            continue
        if not one.get("apiGroups"):
            why = "resource rules must supply at least one api group"
            causes.append(required(f"{path}.apiGroups", why))
        if not one.get("resources"):
            why = "resource rules must supply at least one resource"
            causes.append(required(f"{path}.resources", why))
    return causes


@rule(f"rolebindings.{_RBAC}", f"clusterrolebindings.{_RBAC}")
def binding(obj: Obj) -> list[Cause]:
    """Check role and subjects of a binding."""
    reference = obj["roleRef"]
    causes: list[Cause] = []
    known = ("Role", "ClusterRole") if obj["kind"] == "RoleBinding" else ("ClusterRole",)
    if reference.get("apiGroup") != _RBAC:
        causes.append(unsupported("roleRef.apiGroup", reference.get("apiGroup"), (_RBAC,)))
    if reference.get("kind") not in known:
        causes.append(unsupported("roleRef.kind", reference.get("kind"), known))
    if not reference.get("name"):
        causes.append(required("roleRef.name"))
    for at, subject in enumerate(obj.get("subjects") or ()):
        path, kinds = f"subjects[{at}]", ("ServiceAccount", "User", "Group")
        if not subject.get("name"):
            causes.append(required(f"{path}.name"))
        if subject.get("kind") not in kinds:
            causes.append(unsupported(f"{path}.kind", subject.get("kind"), kinds))
        elif subject["kind"] == "ServiceAccount" and obj["kind"] == "ClusterRoleBinding":
            causes += [] if subject.get("namespace") else [required(f"{path}.namespace")]
    return causes


@update_rule(f"rolebindings.{_RBAC}", f"clusterrolebindings.{_RBAC}")
def binding_update(new: Obj, old: Obj) -> list[Cause]:
    """Check that the role stays."""
    after = new["roleRef"]
    if after == old["roleRef"]:
        return []
    shown = {
        "APIGroup": after.get("apiGroup"),
        "Kind": after.get("kind"),
        "Name": after.get("name"),
    }
    return [invalid("roleRef", shown, "cannot change roleRef")]
