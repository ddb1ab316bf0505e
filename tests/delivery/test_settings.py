"""Settings of the plan: a mistake is told by its place, key and what is allowed."""

from collections.abc import Callable

import pytest

from delivery.errors import PlanError
from delivery.settings import Settings

Read = Callable[[Settings], object]


def settings(**values: object) -> Settings:
    """Read these."""
    return Settings(values, "plan: gate")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda given: given.text("word"), "yes"),
        (lambda given: given.text("none", "no"), "no"),
        (lambda given: given.text("none", ""), ""),
        (lambda given: given.path("path"), "/a?b=c"),
        (lambda given: given.number("half", low=0, high=1), 0.5),
        (lambda given: given.number("three", low=3, high=3), 3.0),
        (lambda given: given.number("none", 7, low=0, high=9), 7.0),
        (lambda given: given.whole("three", low=0, high=9), 3),
        (lambda given: given.choice("word", ["yes", "no"]), "yes"),
        (lambda given: given.choice("none", ["yes", "no"], "no"), "no"),
        (lambda given: given.texts("list"), ("a", "b")),
        (lambda given: given.texts("none", ()), ()),
        (lambda given: given.pairs("map"), {"a": "b"}),
        (lambda given: given.pairs("none"), {}),
        (lambda given: given.section("map").text("a"), "b"),
        (lambda given: given.section("none").text("a", "c"), "c"),
        (lambda given: given.has("null"), False),
    ],
)
def test_values_have_the_type_that_was_asked_for(read: Read, value: object) -> None:
    found = read(
        settings(
            word="yes", path="/a?b=c", half=0.5, three=3, list=["a", "b"], map={"a": "b"}, null=None
        )
    )
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "read", "message"),
    [
        (1, lambda given: given.text("key"), "is 1, not text"),
        ("", lambda given: given.text("key"), "is '', not text"),
        (None, lambda given: given.text("key"), "is missing, give text"),
        ("a b", lambda given: given.path("key"), "is 'a b', not a path that starts with /"),
        ("", lambda given: given.path("key", ""), "is '', not a path that starts with /"),
        (9, lambda given: given.number("key", low=1, high=2.5), "is 9, not a number from 1 to 2.5"),
        (True, lambda given: given.number("key", low=0, high=2), "is True, not a number"),
        (float("nan"), lambda given: given.number("key", low=0, high=2), "is nan, not a number"),
        ("1", lambda given: given.number("key", low=0, high=2), "is '1', not a number"),
        (1.0, lambda given: given.whole("key", low=0, high=2), "is 1.0, not a whole number"),
        (True, lambda given: given.whole("key", low=0, high=2), "is True, not a whole number"),
        (
            3,
            lambda given: given.whole("key", low=0, high=2),
            "is 3, not a whole number from 0 to 2",
        ),
        ("c", lambda given: given.choice("key", "ab"), "is 'c', not one of a, b"),
        (None, lambda given: given.choice("key", "ab"), "is missing, give one of a, b"),
        ("a", lambda given: given.texts("key"), "is 'a', not a list of texts"),
        ([], lambda given: given.texts("key"), "is [], not a list of texts"),
        (["a", 1], lambda given: given.texts("key"), "is ['a', 1], not a list of texts"),
        (["a"], lambda given: given.pairs("key"), "is ['a'], not a mapping of texts"),
        ({"a": 1}, lambda given: given.pairs("key"), "is {'a': 1}, not a mapping of texts"),
        ([1], lambda given: given.section("key"), "is [1], not a mapping"),
        ({1: 2}, lambda given: given.section("key"), "is {1: 2}, not a mapping"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(
    value: object, read: Read, message: str
) -> None:
    with pytest.raises(PlanError) as caught:
        read(settings(key=value))
    assert str(caught.value).startswith(f"plan: gate.key {message}")


def test_what_is_no_mapping_is_told_with_its_place() -> None:
    with pytest.raises(PlanError, match=r"^plan: gates\[2\] is 'http', not a mapping$"):
        Settings("http", "plan: gates[2]")


def test_a_key_that_nobody_asked_for_is_an_error() -> None:
    given = settings(kind="http", pathh="/")
    given.text("kind")
    given.path("path", "")
    with pytest.raises(PlanError) as caught:
        given.finish()
    assert str(caught.value) == (
        "plan: gate.pathh is no key that is known here, did you mean 'path'? Allowed: kind, path"
    )
    far = settings(zzz=1)
    far.text("kind", "http")
    with pytest.raises(PlanError, match=r"zzz is no key that is known here\. Allowed: kind$"):
        far.finish()


def test_keys_that_were_asked_for_are_not_spoken_of() -> None:
    given = settings(kind="http")
    given.text("kind")
    given.finish()
