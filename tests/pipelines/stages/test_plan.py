"""The plan: what is written is what the delivery reads, and how long that may take."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.errors import PlanError
from delivery.plan import Action, ChaosKind, Mode, Scope, read_plan
from delivery.service import KEYS as SERVICE_KEYS
from delivery.strategy import Strategy
from pipelines.catalog.slo import parse_slo
from pipelines.flows.act import DISTURBANCES, bound_chaos, bound_cleanup
from pipelines.flows.selection import Request
from pipelines.model import Environment, Order, Service
from pipelines.stages.plan import Release, longest, write_plan
from tests.pipelines.examples import (
    CLEAN,
    REVISION,
    blue_green,
    environment,
    service,
)

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


GATES = {"preview": [{"kind": "requests"}], "live": [{"kind": "burn-rate"}]}
PROMISE = parse_slo(
    "manifests/monitoring/slo/shop.yaml",
    yaml.safe_dump(
        {
            "name": "shop",
            "window_days": 30,
            "success": 99.5,
            "latency": {"percent": 99, "milliseconds": 250},
            "path": "/api/items",
            "handlers": ["/api/items"],
        }
    ),
)


def read(tmp_path: Path, text: str) -> Any:
    """Let the delivery read a plan."""
    path = tmp_path / "plan.json"
    path.write_text(text)
    return read_plan(path)


def test_everything_that_a_service_says_of_its_delivery_arrives(tmp_path: Path) -> None:
    shop = blue_green(
        blue_green={"watch_seconds": 7, "standby_seconds": 70, "promote": "manual"},
        gates=GATES,
        probe={"rate": 9, "path": "/probe"},
        set="pair",
        barrier="new schema",
    )
    near = environment(prometheus="http://prometheus:9090")
    text = write_plan("deploy", near, released(shop), CLEAN, Order(), {"shop": PROMISE})
    plan = read(tmp_path, text)
    (told,) = plan.services
    assert told.strategy is Strategy.BLUE_GREEN
    assert (told.options.watch_seconds, told.options.standby_seconds) == (7, 70)
    assert told.options.promote == "manual"
    assert (told.release_set, told.barrier) == ("pair", "new schema")
    assert (told.checks.rate, told.checks.path) == (9, "/probe")
    assert [gate.name for gate in told.checks.preview] == ["requests"]
    assert [gate.name for gate in told.checks.live] == ["burn-rate"]
    (written,) = json.loads(text)["services"]
    assert written.keys() == SERVICE_KEYS


def test_what_the_environment_overrides_is_what_arrives(tmp_path: Path) -> None:
    near = environment(
        prometheus="http://prometheus:9090", overrides={"shop": {"strategy": "rolling"}}
    )
    shop = blue_green(gates=GATES, set="pair")
    text = write_plan("deploy", near, released(shop), CLEAN, Order(), {"shop": PROMISE})
    (told,) = read(tmp_path, text).services
    assert told.strategy is Strategy.ROLLING
    assert (told.release_set, told.checks.preview) == ("", ())
    assert [gate.name for gate in told.checks.live] == ["burn-rate"]


def test_who_asked_and_why_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(by="Ann Bee", reason="a hot fix", approved_by="Bob", ref="tag:v1")
    plan = read(tmp_path, write_plan("deploy", NEAR, released(service()), CLEAN, order))
    assert (plan.who, plan.reason, plan.approved_by) == ("Ann Bee", "a hot fix", "Bob")
    monkeypatch.setenv("DELIVERY_WHO", "whoever applies it")
    unsigned = read(tmp_path, write_plan("deploy", NEAR, released(service()), CLEAN))
    assert unsigned.who == "whoever applies it"


def test_where_the_environment_is_and_how_it_is_reached_arrives(tmp_path: Path) -> None:
    git = {"repository": "https://git.example/shop", "branch": "live", "folder": "near"}
    near = environment(mode="gitops", gitops=git, prometheus="service://monitoring/prometheus:9090")
    plan = read(tmp_path, write_plan("deploy", near, released(service()), CLEAN))
    assert plan.mode is Mode.GITOPS
    assert plan.gitops is not None
    assert vars(plan.gitops) == git
    assert plan.prometheus == "service://monitoring/prometheus:9090"
    assert plan.url == near.url
    assert read(tmp_path, json.dumps(plan_of(service()))).mode is Mode.APPLY


@pytest.mark.parametrize("action", list(Action))
def test_every_action_of_the_delivery_can_be_asked_for(action: str, tmp_path: Path) -> None:
    text = write_plan(action, NEAR, released(blue_green(), service("cart")), CLEAN)
    assert read(tmp_path, text).action == action


def test_a_clean_up_is_as_wide_as_it_was_asked_for(tmp_path: Path) -> None:
    def scope(*, everything: bool, confirmed: bool) -> tuple[Scope, bool]:
        order = bound_cleanup(Order(), Request(), everything=everything, confirmed=confirmed)
        plan = read(tmp_path, write_plan("cleanup", NEAR, released(service()), None, order))
        return plan.scope, plan.confirmed

    assert scope(everything=False, confirmed=False) == (Scope.EXPIRED, False)
    assert scope(everything=True, confirmed=False) == (Scope.ENVIRONMENT, False)
    assert scope(everything=True, confirmed=True) == (Scope.ENVIRONMENT, True)


def test_chaos_is_bounded_as_it_was_asked_for(tmp_path: Path) -> None:
    assert set(DISTURBANCES) == {each.value for each in ChaosKind}

    def chaos(*kinds: str) -> Any:
        order = bound_chaos(Order(), list(kinds), 60, 5)
        text = write_plan("chaos", NEAR, released(service()), None, order)
        return read(tmp_path, text).chaos

    assert (chaos("drain").kinds, chaos("drain").seconds) == ((ChaosKind.DRAIN,), 60)
    assert (chaos().kinds, chaos().rate) == (tuple(ChaosKind), 5)


def test_a_chain_of_services_has_time_for_all_of_it() -> None:
    def seconds(*services: Service, near: Environment = NEAR, limits: Any = None) -> int:
        order = Order(limits=limits or {})
        return longest(write_plan("deploy", near, released(*services), CLEAN, order))

    alone = seconds(service())
    assert alone >= 2 * 2 * NEAR.rollout_seconds
    assert seconds(service(), service("stock")) == alone
    chain = seconds(service(), service("cart", dependencies=["shop"]))
    assert chain == alone + 2 * NEAR.rollout_seconds
    watched = seconds(blue_green(blue_green={"watch_seconds": 1000}))
    assert watched >= alone + 2 * 2 * 1000
    assert seconds(service(), limits={"chaos": {"kinds": ["drain", "restart"], "seconds": 500}}) > (
        alone + 2 * 500
    )
    kept = environment("shop", mode="gitops", gitops={"repository": "ssh://git.example/x"})
    assert seconds(service(), near=kept) == alone + 2 * 300


def test_chaos_has_time_for_every_kind_also_when_none_is_named() -> None:
    """The delivery makes all of them then; to be cut off in the middle would leave a node cordoned."""

    def seconds(*kinds: str) -> int:
        order = bound_chaos(Order(), list(kinds), 500, 5)
        return longest(write_plan("chaos", NEAR, released(service()), None, order))

    every = len(DISTURBANCES)
    assert seconds() == seconds(*DISTURBANCES)
    assert seconds() == seconds("drain") + (every - 1) * (500 + NEAR.rollout_seconds)
    assert seconds("drain", "drain") == seconds("drain")


def test_a_circle_of_services_is_the_deliverys_to_refuse(tmp_path: Path) -> None:
    circle = plan_of(service(), service("cart"))
    circle["services"][0]["after"] = ["cart"]
    circle["services"][1]["after"] = ["shop", "nobody"]
    text = json.dumps(circle)
    assert longest(text) > 0
    with pytest.raises(PlanError):
        read(tmp_path, text)
