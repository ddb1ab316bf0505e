"""The order of a release: what is due when, and which orders are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.errors import PlanError
from delivery.order import check_order, depth, due

DIAMOND = {"shop": ("left", "right"), "left": ("base",), "right": ("base",), "base": ()}


def test_a_service_is_due_when_all_that_it_comes_after_are_done() -> None:
    assert due(DIAMOND, begun=[], done=[]) == ["base"]
    assert due(DIAMOND, begun=["base"], done=[]) == []
    assert due(DIAMOND, begun=["base"], done=["base"]) == ["left", "right"]
    assert due(DIAMOND, begun=["base", "left", "right"], done=["base", "left"]) == []
    assert due(DIAMOND, begun=["base", "left", "right"], done=["base", "left", "right"]) == ["shop"]


def test_the_depth_is_that_of_the_longest_way() -> None:
    assert depth(DIAMOND) == 3
    assert depth({"a": (), "b": ()}) == 1
    assert depth({}) == 1


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PlanError, match="shop comes after 'base', which is not in the plan; it"):
        check_order({"shop": ("base",), "web": ()})


@pytest.mark.parametrize(
    ("after", "circle"),
    [
        ({"a": ("a",)}, "a -> a"),
        ({"a": ("b",), "b": ("a",)}, "a -> b -> a"),
        ({"x": ("a",), "a": ("b",), "b": ("c",), "c": ("a",)}, "a -> b -> c -> a"),
    ],
)
def test_services_that_wait_for_each_other_are_refused_by_name(
    after: dict[str, tuple[str, ...]], circle: str
) -> None:
    with pytest.raises(PlanError, match=f"wait for each other: {circle}$"):
        check_order(after)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), min_size=1))
def test_an_order_is_accepted_exactly_when_it_can_be_gone_through(
    graph: dict[str, set[str]],
) -> None:
    after = {name: tuple(sorted(others & set(graph))) for name, others in graph.items()}
    done: list[str] = []
    while free := due(after, begun=done, done=done):
        assert all(set(after[name]) <= set(done) for name in free)
        done += free
    if len(done) == len(after):
        check_order(after)
    else:
        with pytest.raises(PlanError, match="wait for each other"):
            check_order(after)
