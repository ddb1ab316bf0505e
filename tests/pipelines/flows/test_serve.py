"""Serving: which services are started beside one that is asked for."""

import pytest

from pipelines.catalog import UnknownNameError
from pipelines.flows.serve import _with_dependencies
from tests.pipelines.examples import catalog, service

A = service("a", dependencies=["b", "c"])
B = service("b", dependencies=["d"])
C = service("c", dependencies=["d"])
D, E = service("d"), service("e")
ALL = catalog(A, B, C, D, E)


def test_a_service_comes_with_what_it_depends_on_near_and_far_and_once() -> None:
    chosen = _with_dependencies(ALL, A)
    assert chosen[0] == A
    assert sorted(each.name for each in chosen) == ["a", "b", "c", "d"]


def test_a_service_that_depends_on_nobody_comes_alone() -> None:
    assert _with_dependencies(ALL, D) == (D,)


def test_a_dependency_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown service 'd'"):
        _with_dependencies(catalog(A, B, C), B)
