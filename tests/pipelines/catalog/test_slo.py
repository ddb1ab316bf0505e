"""A service's promise: read strictly, and the same for the pipelines and for the delivery."""

from pathlib import Path

import pytest
import yaml

from delivery.slo import read_slo
from pipelines.catalog import Catalog, DocumentError
from pipelines.catalog.catalog import check_references
from pipelines.catalog.slo import BUCKETS, parse_slo
from tests.pipelines.examples import catalog, changed, service

ROOT = Path(__file__).parents[3]
FILE = "manifests/monitoring/slo/shop.yaml"
TEXT = """\
name: shop
window_days: 30
success: 99.9
latency: {percent: 99, milliseconds: 250}
handlers: [/api/data, "/api/items/{id}"]
path: /api/data
"""
FILES = sorted(ROOT.glob("manifests/monitoring/slo/*"))


def test_every_key_becomes_a_value() -> None:
    slo = parse_slo(FILE, TEXT)
    assert (slo.name, slo.window_days, slo.success) == ("shop", 30, 99.9)
    assert (slo.latency_percent, slo.latency_milliseconds) == (99.0, 250)
    assert (slo.handlers, slo.path) == (("/api/data", "/api/items/{id}"), "/api/data")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "cart"}, "name: 'cart' differs from its file, use: shop"),
        ({"window_days": 0}, "window_days: 0 is not a whole number from 1 to 366"),
        ({"success": 100}, "success: 100 is not a number from 50 to 99.999"),
        ({"success": "99.9%"}, "success: '99.9%' is not a number from 50 to 99.999"),
        ({"success": True}, "success: True is not a number"),
        ({"latency__percent": 1}, "latency.percent: 1 is not a number from 50 to 99.999"),
        (
            {"latency__milliseconds": 300},
            "latency.milliseconds: 300 is no bucket of the histogram, use one of: 5, 10, 25, 50, 100,",
        ),
        ({"latency__seconds": 1}, "latency.seconds: unknown key"),
        ({"handlers": []}, "handlers: [] is not a list of a path"),
        ({"handlers": ["items"]}, "handlers[0]: 'items' is not a path that starts with /"),
        ({"path": None}, "path: is missing, give a path that starts with /"),
        ({"sucess": 99}, "sucess: unknown key, did you mean 'success'?"),
    ],
)
def test_a_wrong_promise_names_file_key_and_what_is_allowed(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_slo(FILE, changed(TEXT, **changes))
    assert f"{FILE}: {message}" in str(caught.value)


@pytest.mark.parametrize("changes", [{}, {"handlers": None}])
def test_the_plan_says_what_the_file_says(changes: dict[str, object]) -> None:
    text = changed(TEXT, **changes)
    assert parse_slo(FILE, text).values == yaml.safe_load(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_promises_of_this_repository_mean_the_same_to_the_delivery(path: Path) -> None:
    slo = parse_slo(str(path.relative_to(ROOT)), path.read_text())
    read = read_slo(slo.values, "plan")
    assert read is not None
    assert (read.name, read.success_percent) == (slo.name, slo.success)
    assert (read.latency_percent, read.latency_ms) == (
        slo.latency_percent,
        slo.latency_milliseconds,
    )
    assert (read.handlers, read.path) == (slo.handlers, slo.path)


def test_every_service_of_this_repository_promises_something() -> None:
    services = {path.parent.name for path in ROOT.glob("services/*/service.yaml")}
    assert {path.stem for path in FILES} == services
    assert {path.suffix for path in FILES} == {".yaml"}


def test_the_buckets_are_those_that_the_services_count_in() -> None:
    contract = (ROOT / "services/sample-app/src/metrics.js").read_text()
    seconds = ", ".join(f"{bucket / 1000:g}" for bucket in BUCKETS)
    assert f"[{seconds}]" in contract


def test_a_promise_of_an_unknown_service_is_refused() -> None:
    known = catalog(service("shop"))
    promise = parse_slo(FILE, TEXT)
    check_references(Catalog(known.services, {}, {"shop": promise}))
    with pytest.raises(DocumentError) as caught:
        check_references(Catalog(catalog(service("cart")).services, {}, {"shop": promise}))
    assert str(caught.value) == f"{FILE}: name: 'shop' is not a service, use one of: cart"
