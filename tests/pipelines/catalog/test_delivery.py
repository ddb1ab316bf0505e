"""How services are delivered: keys of `service.yaml`, overrides of an environment, and what both mean to the delivery."""

from typing import Any

import pytest

from delivery.strategy import Options, Promote, Strategy
from pipelines.catalog import Catalog, DocumentError
from pipelines.catalog.catalog import check_references
from pipelines.catalog.environment import parse_environment
from pipelines.catalog.service import parse_service
from pipelines.catalog.slo import parse_slo
from pipelines.model import Service, Slo
from pipelines.model import Strategy as OurStrategy
from pipelines.model.delivery import WATCH_SECONDS
from tests.pipelines.examples import (
    ENVIRONMENT,
    ENVIRONMENT_TEXT,
    SERVICE,
    SERVICE_TEXT,
    blue_green,
    changed,
    environment,
    service,
)

GATES = {"preview": [{"kind": "http", "path": "/x"}], "live": [{"kind": "restarts"}]}
FULL: dict[str, Any] = {
    "strategy": "blue-green",
    "blue_green": {
        "watch_seconds": 5,
        "standby_seconds": 60,
        "preview_seconds": 600,
        "promote": "manual",
    },
    "gates": GATES,
    "probe": {"rate": 50, "path": "/api/items"},
    "set": "shop",
    "barrier": "the orders table lost a column",
}
PROMISE = parse_slo(
    "manifests/monitoring/slo/shop.yaml",
    "{name: shop, window_days: 30, success: 99.9, latency: {percent: 99, milliseconds: 250}, path: /}",
)


def references(near: Any, *services: Service, slo: Slo | None = None) -> None:
    """Check a catalogue of these."""
    check_references(
        Catalog(
            {each.name: each for each in services},
            {near.name: near},
            {slo.name: slo} if slo else {},
        )
    )


def test_without_a_word_a_service_rolls() -> None:
    assert service().delivery.values == {}
    assert service().delivery.strategy is OurStrategy.ROLLING
    assert service().delivery.watch_seconds == 0


def test_what_is_said_goes_into_the_plan_as_it_is() -> None:
    shop = service(**FULL)
    assert shop.delivery.plan == FULL
    assert shop.delivery.watch_seconds == 5


def test_the_strategies_and_the_default_watch_are_the_deliverys() -> None:
    assert list(OurStrategy) == list(Strategy)
    assert Options().watch_seconds == WATCH_SECONDS
    assert blue_green().delivery.watch_seconds == WATCH_SECONDS
    assert {each.value for each in Promote} == {"auto", "manual"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "canary"}, "strategy: 'canary' is not allowed, use one of: rolling, blue-gr"),
        (
            {"blue_green": {"watch_second": 5}},
            "blue_green.watch_second: unknown key, did you mean 'watch_seconds'?",
        ),
        ({"blue_green": {"watch_seconds": 90000}}, "watch_seconds: 90000 is not a whole number"),
        ({"blue_green": {"promote": "later"}}, "promote: 'later' is not allowed, use one of: auto"),
        ({"blue_green": 5}, "blue_green: is not a mapping of keys to values"),
        ({"gates": {"later": []}}, "gates.later: unknown key. Allowed: live, preview"),
        ({"probe": {"rate": 1001}}, "probe.rate: 1001 is not a number from 0 to 1000"),
        ({"probe": {"path": "items"}}, "probe.path: 'items' is not a path that starts with /"),
        ({"set": "A B"}, "set: 'A B' is not a name of small letters"),
        ({"barrier": " "}, "barrier: ' ' is not why there is no way back"),
    ],
)
def test_a_wrong_word_names_file_key_and_what_is_allowed(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_service(SERVICE, changed(SERVICE_TEXT, **{"strategy": "blue-green", **changes}))
    assert str(caught.value).startswith(f"{SERVICE}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("key", "place"),
    [("blue_green", "blue_green"), ("gates", "gates.preview"), ("set", "set")],
)
def test_what_would_mean_nothing_to_a_rolling_service_is_refused(key: str, place: str) -> None:
    text = changed(SERVICE_TEXT, **{key: FULL[key]})
    with pytest.raises(DocumentError) as caught:
        parse_service(SERVICE, text)
    assert str(caught.value) == (
        f"{SERVICE}: {place}: means nothing with strategy: rolling, use strategy: blue-green"
    )


def test_what_holds_for_rolling_services_too_may_be_said() -> None:
    told = {"barrier": "new schema", "probe": FULL["probe"], "gates": {"live": GATES["live"]}}
    assert service(**told).delivery.plan == told


def test_an_environment_replaces_whole_keys() -> None:
    near = environment(overrides={"shop": {"blue_green": {"watch_seconds": 9}}})
    told = near.delivery(service(**FULL)).plan
    assert told == {**FULL, "blue_green": {"watch_seconds": 9}}
    assert near.delivery(service("cart", **FULL)).plan == FULL


def test_a_service_that_rolls_in_one_environment_leaves_the_rest_behind() -> None:
    near = environment(overrides={"shop": {"strategy": "rolling"}})
    shop = service(**FULL)
    references(near, shop)
    assert near.delivery(shop).plan == {
        "strategy": "rolling",
        "barrier": FULL["barrier"],
        "probe": FULL["probe"],
        "gates": {"live": GATES["live"]},
    }
    assert [place for place, _ in near.delivery(shop).gates()] == ["gates.live[0]"]


def test_an_override_in_vain_is_refused() -> None:
    near = environment(overrides={"shop": {"set": "pair"}})
    with pytest.raises(DocumentError, match=rf"^{ENVIRONMENT}: overrides\.shop\.set: means nothin"):
        references(near, service())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"shop": {"strategi": "rolling"}}, "overrides.shop.strategi: unknown key, did you mean"),
        ({"shop": {"gates": {"live": [{"kind": "x"}]}}}, "overrides.shop.gates.live[0].kind: 'x'"),
        ({"shop": "rolling"}, "overrides.shop: is not a mapping of keys to values"),
        (["shop"], "overrides: is not a mapping of keys to values"),
    ],
)
def test_a_wrong_override_names_its_place(overrides: object, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_environment(ENVIRONMENT, changed(ENVIRONMENT_TEXT, overrides=overrides))
    assert f"{ENVIRONMENT}: {message}" in str(caught.value)


def test_an_override_of_an_unknown_service_is_refused() -> None:
    near = environment(overrides={"chart": {"strategy": "rolling"}})
    with pytest.raises(DocumentError, match=r"overrides\.chart: 'chart' is not a service, use one"):
        references(near, service())


QUERY = {"kind": "prometheus", "query": "up", "at_least": 1}
BURN = {"kind": "burn-rate"}


@pytest.mark.parametrize("gate", [QUERY, BURN])
def test_a_gate_that_asks_prometheus_needs_one(gate: dict[str, Any]) -> None:
    shop = blue_green(gates={"live": [gate]})
    promise = parse_slo(
        "manifests/monitoring/slo/shop.yaml",
        "{name: shop, window_days: 30, success: 99, latency: {percent: 99, milliseconds: 250},"
        " path: /, handlers: [/]}",
    )
    with pytest.raises(DocumentError) as caught:
        references(environment(), shop, slo=promise)
    assert str(caught.value) == (
        f"{ENVIRONMENT}: prometheus: is missing, but gates.live[0] of shop ({gate['kind']}) asks it."
        " Give its address, or other gates here: overrides.shop.gates"
    )
    references(environment(prometheus="http://prometheus:9090"), shop, slo=promise)
    own = blue_green(gates={"live": [{**gate, "address": "http://prometheus:9090"}]})
    references(environment(), own, slo=promise)


def test_gates_of_a_service_that_the_environment_does_not_run_are_not_its_business() -> None:
    references(environment("cart"), blue_green(gates={"live": [QUERY]}), service("cart"))


def test_a_burn_rate_needs_a_promise_with_handlers() -> None:
    shop = blue_green(gates={"live": [BURN]})
    near = environment(prometheus="http://prometheus:9090")
    for slo in (None, PROMISE):
        with pytest.raises(DocumentError, match=rf"^{SERVICE}: gates\.live\[0\]: a burn-rate is"):
            references(near, shop, slo=slo)


def test_requests_need_a_target_from_somewhere() -> None:
    shop = blue_green(gates={"preview": [{"kind": "requests"}]})
    with pytest.raises(
        DocumentError, match=r"gates\.preview\[0\]: targets are missing: give succe"
    ):
        references(environment(), shop)
    references(environment(), shop, slo=PROMISE)
    own = {"kind": "requests", "success": 99, "latency": {"milliseconds": 100}}
    references(environment(), blue_green(gates={"preview": [own]}))


def test_what_an_environment_overrides_is_wrong_in_its_own_file() -> None:
    near = environment(overrides={"shop": {"gates": {"live": [{"kind": "requests"}]}}})
    with pytest.raises(DocumentError, match=rf"^{ENVIRONMENT}: overrides\.shop\.gates\.live\[0\]:"):
        references(near, blue_green())
