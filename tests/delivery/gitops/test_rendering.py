"""The judgement of a commit by what it renders to: the wanted images, and not a thing besides."""

import copy
from typing import Any

import pytest

from delivery.errors import PlanError, Refused
from delivery.gitops.pins import Pin, read_pin
from delivery.gitops.rendering import Change, check_rendering, differences
from tests.delivery.conftest import digest

Obj = dict[str, Any]
OLD, NEW = (read_pin(f"registry/backend@sha256:{digest(name)}") for name in ("old", "new"))


def deployment(name: str, *images: str, **spec: Any) -> Obj:
    """Give a Deployment."""
    containers = [{"name": f"c{at}", "image": image} for at, image in enumerate(images)]
    pod = {"containers": containers, **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 2, "template": {"spec": pod}},
    }


def judge(before: list[Obj], after: list[Obj], old: Pin | None = OLD) -> None:
    """Judge a commit that moves the backend."""
    check_rendering(before, after, {"backend": Change(old, NEW)})


def test_the_images_of_the_service_may_change_wherever_they_stand() -> None:
    before = [deployment("backend", str(OLD), "proxy:1", initContainers=[{"image": str(OLD)}])]
    after = [deployment("backend", str(NEW), "proxy:1", initContainers=[{"image": str(NEW)}])]
    judge(before, after)


def test_a_bare_name_becomes_the_first_pin() -> None:
    judge([deployment("backend", "backend")], [deployment("backend", str(NEW))], old=None)


def test_what_another_container_runs_may_not_change() -> None:
    before = [deployment("backend", str(OLD)), deployment("other", "registry/other:1")]
    after = [deployment("backend", str(NEW)), deployment("other", str(NEW))]
    with pytest.raises(Refused, match=r"also change 1\.spec\.template\.spec\.containers\.0\.image"):
        judge(before, after)


@pytest.mark.parametrize("path", [("spec", "replicas"), ("metadata", "name"), ("kind",)])
def test_nothing_else_may_change(path: tuple[str, ...]) -> None:
    before, after = [deployment("backend", str(OLD))], [deployment("backend", str(NEW))]
    place: Any = after[0]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "Deployment2" if path == ("kind",) else 7
    with pytest.raises(Refused, match="the commit would also change"):
        judge(before, after)


def test_an_object_that_comes_or_goes_is_a_change() -> None:
    before = [deployment("backend", str(OLD))]
    after = [deployment("backend", str(NEW)), deployment("more", "a:1")]
    with pytest.raises(Refused, match="the commit would also change"):
        judge(before, after)


def test_a_commit_that_moves_nothing_is_told_with_the_way_to_name_the_image() -> None:
    before = [deployment("backend", "elsewhere:1")]
    with pytest.raises(PlanError, match="no container of the Deployment backend uses the image"):
        judge(before, copy.deepcopy(before))


def test_a_service_without_a_pin_is_not_handed_to_the_cluster_by_its_name() -> None:
    others = [deployment("frontend", "frontend"), deployment("cache", "redis:7")]
    with pytest.raises(Refused, match="given frontend with no more than the name") as caught:
        judge(
            [deployment("backend", str(OLD)), *others], [deployment("backend", str(NEW)), *others]
        )
    assert "deliver frontend in the same plan once" in str(caught.value)


def test_differences_are_found_as_deep_as_they_are() -> None:
    before = {"a": [{"b": 1}, {"b": 2}], "c": {"d": 1}}
    after = {"a": [{"b": 1}, {"b": 3}], "c": {"e": 1}}
    found = [(each.path, each.before, each.after) for each in differences(before, after)]
    assert found == [(("a", 1, "b"), 2, 3), (("c",), {"d": 1}, {"e": 1})]
