"""The rules of a definition (`x-kubernetes-validations`).

A rule that uses more of CEL than `cel` understands is not judged, as if it were absent: a local cluster would
rather take an object than refuse it wrongly. A rule that speaks of `oldSelf` is about changes alone.
"""

from __future__ import annotations

from drydock.cluster.custom.cel import Scope, compiled
from drydock.cluster.errors import Cause, Json, Obj

_REASONS = {
    "FieldValueForbidden": "Forbidden: {}",
    "FieldValueRequired": "Required value: {}",
    "FieldValueDuplicate": "Duplicate value: {}",
}
ABSENT: Json = object()
"""Stands for an old value that is not there."""


_NOT_JUDGED = (KeyError, TypeError, AttributeError, IndexError, ValueError)
"""What a rule ends in that is not understood, or speaks of what is not there."""


def broken(rules: list[Obj], value: Json, path: str, old: Json = ABSENT) -> list[Cause]:
    """Return a cause for every rule that a value breaks, given what stood there before."""
    scope = {"self": value} if old is ABSENT else {"self": value, "oldSelf": old}
    causes = []
    for rule in rules:
        try:
            holds = compiled(rule["rule"])(scope)
        except _NOT_JUDGED:
            continue
        if holds is False:
            reason = rule.get("reason") or "FieldValueInvalid"
            text = _REASONS.get(reason, "Invalid value: {}").format(_message(rule, scope))
            where = f"{path}{rule.get('fieldPath', '')}".lstrip(".")
            causes.append(Cause(where or "<nil>", reason, text))
    return causes


def _message(rule: Obj, scope: Scope) -> str:
    """Return what a broken rule says: its expression's text, its message, or the rule itself."""
    if rule.get("messageExpression"):
        try:
            said = compiled(rule["messageExpression"])(scope)
        except _NOT_JUDGED:
            said = None
        if isinstance(said, str) and said.strip() and "\n" not in said:
            return said
    return str(rule.get("message") or f"failed rule: {rule['rule']}")
