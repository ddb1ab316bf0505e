"""Handing a release over: the plan that `delivery` reads, and what is read of its answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from delivery.plan import Action, read_plan
from pipelines.model import Service
from pipelines.stages.deliver import Release, summarize, words, write_plan
from tests.pipelines.examples import CLEAN, REVISION, environment, service

NEAR = environment("shop", "cart", "stock")
DIGEST = f"sha256:{'a' * 64}"


def released(*services: Service) -> list[Release]:
    """Give them images by digest."""
    return [Release(each, f"localhost:5000/{each.image.repository}@{DIGEST}") for each in services]


def plan_of(*services: Service, action: str = "deploy") -> dict[str, Any]:
    """Write a plan and read it as JSON."""
    plan: dict[str, Any] = json.loads(write_plan(action, NEAR, released(*services), CLEAN))
    return plan


def test_delivery_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    cart = service("cart", dependencies=["shop"], probes__health="/alive")
    path.write_text(write_plan("deploy", NEAR, released(service("shop"), cart), CLEAN))
    plan = read_plan(path)
    assert plan.action is Action.DEPLOY
    assert (plan.environment, plan.namespace, plan.revision) == ("near", "shop-near", REVISION)
    assert (plan.rollout_seconds, plan.pull_secret) == (300, None)
    assert plan.overlay == Path("/manifests/environments/near")
    assert plan.after == {"shop": (), "cart": ("shop",)}
    read = plan.services[1]
    assert (read.repository, read.digest) == ("localhost:5000/team/cart", DIGEST)
    assert (read.health, read.version) == ("/alive", "0123456789ab")


def test_only_services_of_the_same_plan_are_waited_for(tmp_path: Path) -> None:
    """What is not delivered this time runs already, or is nobody's to wait for."""
    cart = service("cart", dependencies=["shop", "stock"])
    assert plan_of(cart)["services"][0]["after"] == []
    both = plan_of(service("stock"), cart)
    assert [each["after"] for each in both["services"]] == [[], ["stock"]]
    path = tmp_path / "plan.json"
    path.write_text(write_plan("deploy", NEAR, released(cart), CLEAN))
    assert read_plan(path).after == {"cart": ()}


@pytest.mark.parametrize("action", ["status", "rollback"])
def test_looking_and_going_back_need_neither_image_nor_commit(action: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(write_plan(action, NEAR, [Release(service("shop"), "")], None))
    plan = read_plan(path)
    assert plan.action is Action(action)
    assert (plan.revision, plan.services[0].image, plan.services[0].version) == ("", "", "")


def test_a_failed_delivery_is_told_without_its_result_for_programs() -> None:
    assert words('it crashes\n{"outcome": "RolloutError"}\nbye\n') == "it crashes\nbye\n"


def test_the_summary_of_a_delivery_is_in_the_last_line() -> None:
    assert summarize('noise\n{"summary": "shop: 3 of 3"}\n') == "shop: 3 of 3"
