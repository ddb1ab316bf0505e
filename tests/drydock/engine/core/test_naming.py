"""What the progress calls a call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drydock.engine.field import Resolver
from drydock.engine.naming import span_of
from drydock.engine.node import Recipe
from drydock.engine.schema import Argument, Field
from drydock.engine.trace import Trace

DEFINITION = Field(
    "withNewFile",
    "Container!",
    {
        "contents": Argument("contents", "String!"),
        "permissions": Argument("permissions", "Int", "420"),
    },
)


@pytest.fixture
def name() -> Callable[..., str]:
    def of(**args: object) -> str:
        resolver = Resolver("Container.withNewFile", lambda: None)
        with Trace().root().active():
            return span_of(resolver, Recipe("Container", "", resolver.name, args), DEFINITION).name

    return of


def test_a_call_shows_its_arguments_without_the_defaults(name: Callable[..., str]) -> None:
    shown = name(contents="a", permissions=420)
    assert shown == 'Container.withNewFile(contents: "a"): Container!'


def test_a_long_text_is_cut_and_its_length_told(name: Callable[..., str]) -> None:
    shown = name(contents="x" * 5000)
    assert len(shown) < 200
    assert "xxx… (5000 characters)" in shown


def test_a_plaintext_is_never_shown(name: Callable[..., str]) -> None:
    assert "hunter2" not in name(plaintext="hunter2")
