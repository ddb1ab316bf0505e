"""The patch formats do what their directives say, and leave their input alone."""

from __future__ import annotations

import pytest

from drydock.cluster.client import copied
from drydock.cluster.patch import PatchError, json_patch, merge_patch, strategic_merge
from drydock.cluster.schema import Shapes

POD_SPEC = Shapes().named("io.k8s.api.core.v1.PodSpec")
LIVE = {
    "containers": [
        {"name": "app", "image": "a:1", "env": [{"name": "A", "value": "1"}]},
        {"name": "side", "image": "s:1"},
    ]
}


def test_strategic_lists_merge_by_key() -> None:
    """An item is found by its name; the others stay."""
    patch = {"containers": [{"name": "app", "image": "a:2", "env": [{"name": "B", "value": "2"}]}]}
    before = copied(LIVE)
    app, side = strategic_merge(POD_SPEC, LIVE, patch)["containers"]
    assert app["image"] == "a:2"
    assert [one["name"] for one in app["env"]] == ["A", "B"]
    assert side == LIVE["containers"][1]
    assert before == LIVE


def test_strategic_delete_and_replace() -> None:
    """`$patch` removes one item or replaces the list."""
    deleted = strategic_merge(
        POD_SPEC, LIVE, {"containers": [{"name": "side", "$patch": "delete"}]}
    )
    assert [one["name"] for one in deleted["containers"]] == ["app"]
    replaced = strategic_merge(
        POD_SPEC, LIVE, {"containers": [{"$patch": "replace"}, {"name": "x", "image": "x"}]}
    )
    assert replaced["containers"] == [{"name": "x", "image": "x"}]


def test_strategic_order_follows_the_patch() -> None:
    """`$setElementOrder` sorts the merged list."""
    order = [{"name": "side"}, {"name": "app"}]
    made = strategic_merge(POD_SPEC, LIVE, {"$setElementOrder/containers": order})
    assert [one["name"] for one in made["containers"]] == ["side", "app"]


def test_merge_patch_deletes_by_null() -> None:
    """Null removes a key, objects merge, lists are replaced."""
    made = merge_patch({"a": {"b": 1, "c": 2}, "l": [1, 2]}, {"a": {"b": None}, "l": [3]})
    assert made == {"a": {"c": 2}, "l": [3]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/none"},
        {"op": "replace", "path": "/l/7", "value": 0},
        {"op": "nonsense", "path": "/a"},
    ],
)
def test_json_patch_fails_as_a_whole(operation: dict[str, object]) -> None:
    """One bad operation refuses the patch and changes nothing."""
    target = {"a": 1, "l": [1]}
    with pytest.raises(PatchError):
        json_patch(target, [{"op": "add", "path": "/b", "value": 1}, operation])
    assert target == {"a": 1, "l": [1]}


def test_json_patch_operations() -> None:
    """Add, replace, move, copy and escapes."""
    made = json_patch(
        {"a": 1, "l": [1], "x/y": 0},
        [
            {"op": "add", "path": "/l/-", "value": 2},
            {"op": "replace", "path": "/x~1y", "value": 5},
            {"op": "move", "from": "/a", "path": "/b"},
            {"op": "copy", "from": "/l", "path": "/m"},
        ],
    )
    assert made == {"l": [1, 2], "x/y": 5, "b": 1, "m": [1, 2]}
