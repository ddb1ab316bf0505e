"""Pod Security: the levels that labels of a namespace ask for.

`enforce` refuses pods, `warn` adds warnings to pods and to everything that holds a pod template; whoever
sets a level on a namespace hears which of its pods do not meet it. `audit` would go to an audit log, and
there is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drydock.cluster.admission.standards import LEVELS, reasons, violations
from drydock.cluster.errors import Cause, InvalidError, forbidden
from drydock.cluster.go_text import quoted

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write

_PREFIX = "pod-security.kubernetes.io/"
_MODES = ("enforce", "audit", "warn")
_TEMPLATES = {
    "deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch",
    "cronjobs.batch", "replicationcontrollers", "podtemplates",
}  # fmt: skip
_HARMLESS = {"resources", "resizePolicy", "tolerations", "activeDeadlineSeconds"}


def check(write: Write, obj: Obj, old: Obj | None) -> None:
    """Refuse or warn by the labels of the namespace."""
    qualified = write.resource.qualified
    if qualified == "namespaces":
        _check_labels(obj, old)
        _warn_of_pods(write, obj, old)
        return
    if qualified != "pods" and qualified not in _TEMPLATES:
        return
    namespace = write.core.find("namespaces", "", write.target.namespace)
    labels = _labels(namespace or {"metadata": {}})
    spec = _pod_spec(obj)
    if spec is None or (old is not None and not _matters(spec, _pod_spec(old))):
        return
    enforce, warn = labels.get(f"{_PREFIX}enforce"), labels.get(f"{_PREFIX}warn")
    if qualified == "pods":
        found = violations(spec, enforce)
        if found:
            text = f'violates PodSecurity "{_shown(labels, "enforce")}": {", ".join(found)}'
            meta = obj["metadata"]
            raise forbidden(
                write.resource.about, meta.get("name") or meta.get("generateName", ""), text
            )
    level = warn or (enforce if qualified != "pods" else None)
    found = violations(spec, level)
    if found:
        shown = _shown(labels, "warn" if warn else "enforce")
        write.request.warnings.append(f'would violate PodSecurity "{shown}": {", ".join(found)}')


def _check_labels(obj: Obj, old: Obj | None) -> None:
    """Refuse levels and versions that do not exist, unless they were there before."""
    labels, before = _labels(obj), _labels(old) if old is not None else {}
    causes = []
    for mode in _MODES:
        for name, good, why in (
            (mode, set(LEVELS).__contains__, f"must be one of {', '.join(LEVELS)}"),
            (f"{mode}-version", _is_version, 'must be "latest" or "v1.x"'),
        ):
            value = labels.get(_PREFIX + name)
            if value is not None and not good(value) and before.get(_PREFIX + name) != value:
                text = f"Invalid value: {quoted(value)}: {why}"
                causes.append(Cause(f"metadata.labels[{_PREFIX}{name}]", "FieldValueInvalid", text))
    if causes:
        raise InvalidError("Namespace", "", obj["metadata"]["name"], causes)


def _warn_of_pods(write: Write, obj: Obj, old: Obj | None) -> None:
    """Tell which pods do not meet a level that is new to their namespace."""
    names = (f"{_PREFIX}enforce", f"{_PREFIX}enforce-version")
    labels, before = _labels(obj), _labels(old) if old is not None else {}
    if old is None or [labels.get(one) for one in names] == [before.get(one) for one in names]:
        return
    found: dict[str, list[str]] = {}
    for pod in write.core.store.all("pods", obj["metadata"]["name"]):
        wrong = violations(pod["spec"], labels.get(names[0]))
        if wrong:
            found.setdefault(reasons(wrong), []).append(pod["metadata"]["name"])
    if not found:
        return
    write.request.warnings.append(
        f'existing pods in namespace "{obj["metadata"]["name"]}" violate the new PodSecurity enforce'
        f' level "{_shown(labels, "enforce")}"'
    )
    write.request.warnings += sorted(_told(pods, why) for why, pods in found.items())


def _told(pods: list[str], why: str) -> str:
    others = len(pods) - 1
    more = "" if not others else f" (and {others} other {'pod' if others == 1 else 'pods'})"
    return f"{pods[0]}{more}: {why}"


def _labels(obj: Obj) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _shown(labels: dict[str, str], mode: str) -> str:
    return f"{labels[_PREFIX + mode]}:{labels.get(f'{_PREFIX}{mode}-version', 'latest')}"


def _is_version(text: str) -> bool:
    return text == "latest" or re.fullmatch(r"v1\.(0|[1-9]\d*)", text) is not None


def _matters(spec: Obj, before: Obj | None) -> bool:
    """Say whether a change can make a pod less safe: one of resources and of its patience cannot."""
    return before is None or _guarded(spec) != _guarded(before)


def _guarded(spec: Obj) -> Obj:
    """Return a pod's spec without what no level is about."""
    kept = {name: one for name, one in spec.items() if name not in _HARMLESS}
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        kept[kind] = [
            {name: value for name, value in one.items() if name not in _HARMLESS}
            for one in spec.get(kind) or ()
        ]
    return kept


def _pod_spec(obj: Obj) -> Obj | None:
    if obj["kind"] == "Pod":
        return dict(obj["spec"])
    spec = obj.get("spec") or {}
    if obj["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = obj.get("template") or spec.get("template") or {}
    return template.get("spec")
