"""The arithmetic of rolling updates."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drydock.cluster.controllers.deployment.rollout import (
    Bounds,
    Size,
    new_size,
    old_sizes,
    shares,
)


def deployment(replicas: int, surge: int | str, unavailable: int | str) -> dict:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"spec": {"replicas": replicas, "strategy": {"rollingUpdate": rolling}}}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "bounds"),
    [
        (3, "25%", "25%", (4, 3)),
        (10, "25%", "25%", (13, 8)),
        (3, 0, "1%", (3, 2)),
        (3, "100%", 0, (6, 3)),
        (1, 0, 5, (1, 0)),
    ],
)
def test_surge_rounds_up_and_unavailable_down(replicas, surge, unavailable, bounds):
    """Surge rounds up, unavailable down, and both at 0 mean one unavailable."""
    made = Bounds.of(deployment(replicas, surge, unavailable))
    assert (made.ceiling, made.floor) == bounds


def test_ten_replicas_take_the_recorded_first_steps():
    """Of ten the pairs go (10,3) (8,3) (8,5)."""
    bounds = Bounds.of(deployment(10, "25%", "25%"))
    assert new_size(bounds, 0, 10) == 3
    assert old_sizes(bounds, Size("new", 3, 0), [Size("old", 10, 10)]) == {"old": 8}
    assert new_size(bounds, 3, 11) == 5
    assert old_sizes(bounds, Size("new", 5, 0), [Size("old", 8, 8)]) == {}


def test_a_scale_in_the_middle_is_shared_in_proportion():
    """8 old and 5 new of ten become 15 and 10 of twenty."""
    bounds = Bounds.of(deployment(20, "25%", "25%"))
    assert shares(bounds, [(Size("old", 8, 8), 13), (Size("new", 5, 0), 13)]) == {
        "old": 15,
        "new": 10,
    }


def test_pods_that_serve_nobody_go_first():
    """A broken half-way ReplicaSet shrinks before the healthy one."""
    bounds = Bounds.of(deployment(10, "25%", "25%"))
    olds = [Size("healthy", 8, 8), Size("broken", 3, 0)]
    assert old_sizes(bounds, Size("new", 0, 0), olds) == {"broken": 0}


class World:
    """ReplicaSets whose pods become available, or not, in any order."""

    def __init__(self, bounds: Bounds, old: int) -> None:
        self.bounds = bounds
        self.sizes = {"old": old, "new": 0}
        self.available = {"old": old, "new": 0}

    def step(self) -> bool:
        """Do what the controller would do next; tell whether it did anything."""
        size = new_size(self.bounds, self.sizes["new"], sum(self.sizes.values()))
        if size != self.sizes["new"]:
            self._resize("new", size)
            return True
        new = Size("new", self.sizes["new"], self.available["new"])
        olds = [Size("old", self.sizes["old"], self.available["old"])] if self.sizes["old"] else []
        steps = old_sizes(self.bounds, new, olds)
        for name, target in steps.items():
            self._resize(name, target)
        return bool(steps)

    def become_available(self, count: int) -> None:
        self.available["new"] = min(self.sizes["new"], self.available["new"] + count)

    def break_old(self, count: int) -> None:
        self.available["old"] = max(0, self.available["old"] - count)

    def _resize(self, name: str, size: int) -> None:
        # Pods that are not available are deleted first, as the ReplicaSet's ranking has it.
        self.sizes[name] = size
        self.available[name] = min(self.available[name], size)


percent = st.integers(0, 100).map(lambda value: f"{value}%")
amounts = st.one_of(st.integers(0, 12), percent)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 25), amounts, amounts, st.lists(st.integers(0, 4), max_size=80))
def test_an_update_keeps_its_bounds_and_arrives(replicas, surge, unavailable, readiness):
    """However slowly pods come, ceiling and floor hold at every step, and the update ends."""
    bounds = Bounds.of(deployment(replicas, surge, unavailable))
    world = World(bounds, replicas)
    moves = [*readiness, *([1] * 4 * (replicas + 2))]
    for count in moves:
        while world.step():
            assert sum(world.sizes.values()) <= bounds.ceiling
            assert sum(world.available.values()) >= bounds.floor
        world.become_available(count)
    assert world.sizes == {"old": 0, "new": replicas}
    assert world.available["new"] == replicas


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 20),
    amounts,
    amounts,
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40),
)
def test_an_update_of_an_ailing_deployment_arrives_too(replicas, surge, unavailable, events):
    """Old pods that fail by themselves never make the controller exceed the ceiling or stop."""
    bounds = Bounds.of(deployment(replicas, surge, unavailable))
    world = World(bounds, replicas)
    for broken, ready in [*events, *([(0, 1)] * 4 * (replicas + 2))]:
        world.break_old(broken)
        before = sum(world.available.values())
        while world.step():
            assert sum(world.sizes.values()) <= bounds.ceiling
            assert sum(world.available.values()) >= min(before, bounds.floor)
        world.become_available(ready)
    assert world.sizes == {"old": 0, "new": replicas}


@settings(max_examples=300, deadline=None)
@example(1, 2, [2, 2, 2, 2, 2], 0)
@given(
    st.integers(0, 30),
    st.integers(0, 10),
    st.lists(st.integers(1, 20), min_size=2, max_size=5),
    st.integers(0, 5),
)
def test_shares_add_up_to_the_new_ceiling(replicas, surge, sets, room):
    """A shared change gives out exactly what is allowed, and no size goes below zero."""
    bounds = Bounds(replicas, surge, 1)
    before = sum(sets) + room
    rows = [(Size(f"rs{at}", size, size), before) for at, size in enumerate(sets)]
    rows.sort(key=lambda row: -row[0].replicas)
    sizes = shares(bounds, rows)
    assert all(size >= 0 for size in sizes.values())
    assert sum(sizes.values()) == (bounds.ceiling if replicas else 0)
