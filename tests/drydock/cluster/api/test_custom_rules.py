"""Rules of definitions: what they see, what they say, and what is left alone."""

from __future__ import annotations

import pytest

from drydock.cluster.custom.rules import ABSENT, broken


def said(rule: str, value: object, old: object = ABSENT, **more: str) -> list[str]:
    return [one.message for one in broken([{"rule": rule, **more}], value, "spec", old)]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("self.min <= self.max", {"min": 2, "max": 1}),
        ("self.all(x, x.startsWith('a'))", ["ab", "b"]),
        ("self.exists(x, x == 3)", [1, 2]),
        ("self.exists_one(x, x > 1)", [2, 3]),
        ("self.filter(x, x > 1).size() == 1", [2, 3]),
        ("self.map(x, x * 2) == [2, 4]", [1, 3]),
        ("self.all(k, self[k] != '')", {"a": ""}),
        ("self.a.all(x, self.b.exists(y, y == x))", {"a": [1, 2], "b": [1]}),
        ("string(self).size() < 3", 1234),
        ("has(self.a) || has(self.b)", {}),
        ("self.trim().lowerAscii() == 'x'", " Y "),
        ("self in ['a', 'b']", "c"),
    ],
)
def test_a_broken_rule_is_found(rule: str, value: object) -> None:
    """The rule itself is told when it has no message."""
    assert said(rule, value) == [f"Invalid value: failed rule: {rule}"]


def test_a_rule_about_changes_waits_for_one() -> None:
    """Without an old value it is not judged."""
    rule = "self == oldSelf"
    assert said(rule, "b") == []
    assert said(rule, "b", "b") == []
    assert said(rule, "b", "a", message="is immutable") == ["Invalid value: is immutable"]


def test_a_message_may_be_an_expression() -> None:
    """One that fails, or is empty, falls back to the message."""
    more = {"message": "plain", "messageExpression": "'has ' + string(size(self))"}
    assert said("size(self) > 2", [1], **more) == ["Invalid value: has 1"]
    more["messageExpression"] = "self.nothing"
    assert said("size(self) > 2", [1], **more) == ["Invalid value: plain"]


def test_a_rule_names_its_reason_and_field() -> None:
    """They become those of the cause."""
    rule = {"rule": "false", "reason": "FieldValueForbidden", "fieldPath": ".a", "message": "no"}
    (cause,) = broken([rule], {}, "spec")
    assert (cause.field, cause.reason, cause.message) == (
        "spec.a",
        "FieldValueForbidden",
        "Forbidden: no",
    )


@pytest.mark.parametrize(
    "rule", ["self.isIP()", "duration(self) > 1", "x + 1 == 2", "self.a == 1 &&"]
)
def test_what_is_not_understood_is_not_judged(rule: str) -> None:
    """An object is rather taken than refused wrongly."""
    assert said(rule, {"a": 2}) == []
