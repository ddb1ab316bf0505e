"""Label and field selectors: read once, asked for every object.

List, watch, deletecollection and the budgets use them. Texts of errors are those of a real server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from drydock.cluster.errors import Obj, bad_request
from drydock.cluster.message import Request

_TOKEN = re.compile(r"\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)")


@dataclass(frozen=True)
class Requirement:
    """One part of a label selector."""

    key: str
    operator: str  # in, notin, exists, absent, >, <
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether labels meet the requirement."""
        has = self.key in labels
        if self.operator == "exists":
            return has
        if self.operator == "absent":
            return not has
        if self.operator == "in":
            return has and labels[self.key] in self.values
        if self.operator == "notin":
            return not has or labels[self.key] not in self.values
        try:
            number, bound = int(labels[self.key]), int(next(iter(self.values)))
        except (KeyError, ValueError):
            return False
        return number > bound if self.operator == ">" else number < bound


@dataclass(frozen=True)
class LabelSelector:
    """All requirements must hold; without any, everything matches."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Say whether labels are selected."""
        return all(one.matches(labels or {}) for one in self.requirements)


@lru_cache(maxsize=1024)
def parse_labels(text: str) -> LabelSelector:
    """Read `a=b,c in (d,e),!f`; raises ApiError 400."""
    tokens = _TOKEN.findall(text)
    made: list[Requirement] = []
    at = 0

    def take() -> str:
        nonlocal at
        at += 1
        return tokens[at - 1] if at <= len(tokens) else ""

    while at < len(tokens):
        word = take()
        if word == "!":
            made.append(Requirement(_key(take()), "absent"))
        else:
            made.append(_requirement(_key(word), take))
            if made[-1].operator == "exists":
                at -= 1
        separator = take()
        if separator not in ("", ","):
            raise bad_request(f"found '{separator}', expected: ',' or 'end of string'")
        if separator == "," and at >= len(tokens):
            raise bad_request("found '', expected: identifier after ','")
    return LabelSelector(tuple(made))


def _requirement(key: str, take: Callable[[], str]) -> Requirement:
    operator = take()
    if operator in ("", ","):
        return Requirement(key, "exists")
    if operator in ("=", "==", "!="):
        value = take()
        if value == ",":
            raise bad_request("unable to parse requirement: found ',', expected: identifier")
        return Requirement(key, "notin" if operator == "!=" else "in", frozenset({value}))
    if operator in (">", "<"):
        return Requirement(key, operator, frozenset({take()}))
    if operator not in ("in", "notin"):
        raise bad_request(
            f"unable to parse requirement: found '{operator}', expected: in, notin, =, ==, !=, gt, lt"
        )
    opened = take()
    if opened != "(":
        raise bad_request(f"unable to parse requirement: found '{opened}' expected: '('")
    values = set()
    while True:
        value = take()
        if value == ")":
            break
        if value == "":
            raise bad_request("unable to parse requirement: found '', expected: ',' or ')'")
        if value != ",":
            values.add(value)
    return Requirement(key, operator, frozenset(values))


def _key(text: str) -> str:
    if not re.fullmatch(
        r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", text
    ):
        raise bad_request(
            f"unable to parse requirement: found '{text}', expected: !, identifier, or ','"
            if not text or text in "=<>()"
            else f'unable to parse requirement: <nil>: Invalid value: "{text}": name part must consist of'
            " alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
            " character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
            " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )
    return text


def from_object(selector: Obj | None) -> LabelSelector | None:
    """Read a LabelSelector object; None selects nothing, an empty one everything."""
    if selector is None:
        return None
    made = [
        Requirement(key, "in", frozenset({value}))
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    names = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
    for one in selector.get("matchExpressions") or ():
        values = frozenset(one.get("values") or ())
        made.append(Requirement(one["key"], names.get(one["operator"], "in"), values))
    return LabelSelector(tuple(made))


_POD_FIELDS = (
    "metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy",
    "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
    "status.podIP", "status.podIPs", "status.nominatedNodeName",
)  # fmt: skip
_EVENT_FIELDS = (
    "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
    "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
    "reason", "reportingComponent", "source", "type", "metadata.name", "metadata.namespace",
)  # fmt: skip
_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": _POD_FIELDS,
    "events": _EVENT_FIELDS,
    "events.events.k8s.io": _EVENT_FIELDS,
    "nodes": ("metadata.name", "metadata.namespace", "spec.unschedulable"),
    "namespaces": ("metadata.name", "metadata.namespace", "status.phase"),
    "secrets": ("metadata.name", "metadata.namespace", "type"),
    "services": ("metadata.name", "metadata.namespace", "spec.clusterIP", "spec.type"),
    "jobs.batch": ("metadata.name", "metadata.namespace", "status.successful"),
    "replicationcontrollers": ("metadata.name", "metadata.namespace", "status.replicas"),
    "replicasets.apps": ("metadata.name", "metadata.namespace", "status.replicas"),
    "statefulsets.apps": ("metadata.name", "metadata.namespace", "status.successful"),
}
_WORDED = {
    "pods", "events", "nodes", "namespaces", "secrets", "services", "replicationcontrollers",
}  # fmt: skip
_WORDS = {
    "jobs.batch": 'field label "{}" not supported for batchv1.Job',
    "statefulsets.apps": "field label not supported for appsv1.StatefulSet: {}",
    "replicasets.apps": "field label not supported for appsv1.ReplicaSet: {}",
}


@dataclass(frozen=True)
class FieldSelector:
    """Pairs of path, wanted value, and whether it must differ."""

    terms: tuple[tuple[str, str, bool], ...] = ()

    def matches(self, obj: Obj) -> bool:
        """Say whether an object is selected."""
        return all((_value(obj, path) == value) != differs for path, value, differs in self.terms)

    @property
    def name(self) -> str:
        """Return the one name that is asked for, if that is all."""
        found = [
            value for path, value, differs in self.terms if path == "metadata.name" and not differs
        ]
        return found[0] if found else ""


def parse_fields(text: str, resource: str) -> FieldSelector:
    """Read `status.phase=Running,metadata.name!=x`; raises ApiError 400 for other fields."""
    made = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", part)
        if found is None:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        path, operator, value = found.groups()
        known = _FIELDS.get(resource, ("metadata.name", "metadata.namespace"))
        if path not in known:
            if resource in _WORDS:
                raise bad_request(_WORDS[resource].format(path))
            if resource in _WORDED:
                raise bad_request(f"field label not supported: {path}")
            raise bad_request(
                f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'
            )
        made.append((path, value, operator == "!="))
    return FieldSelector(tuple(made))


def selected_name(request: Request) -> str:
    """Return the one name that a request's field selector asks for, if it does."""
    for part in request.query.get("fieldSelector", "").split(","):
        found = re.fullmatch(r"metadata\.name==?([^=!]+)", part)
        if found is not None:
            return found[1]
    return ""


def _value(obj: Obj, path: str) -> str:
    if path == "source":
        return str(
            (obj.get("source") or {}).get("component") or obj.get("reportingComponent") or ""
        )
    if path == "status.successful":
        return str((obj.get("status") or {}).get("succeeded", 0))
    if path.startswith("involvedObject.") and "regarding" in obj:
        path = "regarding." + path.partition(".")[2]
    found: object = obj
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if path in ("spec.unschedulable", "spec.hostNetwork"):
        return "true" if found else "false"
    if path == "status.podIPs":
        return ",".join(one["ip"] for one in found) if isinstance(found, list) else ""
    return "" if found is None else str(found)
