"""The files of this repository: every service and environment is valid, and they fit each other."""

from pathlib import Path

import pytest

from delivery.plan import read_plan
from pipelines.catalog import Catalog
from pipelines.catalog.catalog import check_references
from pipelines.catalog.environment import parse_environment
from pipelines.catalog.service import parse_service
from pipelines.catalog.slo import parse_slo
from pipelines.model import Order
from pipelines.stages.plan import Release, longest, write_plan
from tests.pipelines.examples import CLEAN

ROOT = Path(__file__).parents[3]


def repository() -> Catalog:
    """Read the files of this repository."""
    services = [
        parse_service(str(path.relative_to(ROOT)), path.read_text())
        for path in sorted(ROOT.glob("services/*/service.yaml"))
    ]
    environments = [
        parse_environment(str(path.relative_to(ROOT)), path.read_text())
        for path in sorted(ROOT.glob("manifests/environments/*/environment.yaml"))
    ]
    slos = [
        parse_slo(str(path.relative_to(ROOT)), path.read_text())
        for path in sorted(ROOT.glob("manifests/monitoring/slo/*.yaml"))
    ]
    return Catalog(
        {each.name: each for each in services},
        {each.name: each for each in environments},
        {each.name: each for each in slos},
    )


def test_every_service_and_environment_of_this_repository_is_valid() -> None:
    catalog = repository()
    assert catalog.services
    assert catalog.environments
    check_references(catalog)


@pytest.mark.parametrize("environment", ["local", "test", "staging", "production"])
def test_the_two_samples_are_blue_green_and_independent(environment: str) -> None:
    catalog = repository()
    there = catalog.environment(environment)
    for name in ("sample-app", "sample2-app"):
        delivery = there.delivery(catalog.service(name))
        assert delivery.is_blue_green
        assert "set" not in delivery.values
        kinds = {gate["kind"] for _, gate in delivery.gates()}
        assert {"http", "requests", "restarts"} <= kinds
        assert ("burn-rate" in kinds) is bool(there.prometheus)
    for name in ("backend", "frontend"):
        assert not there.delivery(catalog.service(name)).is_blue_green


@pytest.mark.parametrize("environment", ["local", "test", "staging", "production"])
def test_the_delivery_understands_the_plan_of_every_environment(
    environment: str, tmp_path: Path
) -> None:
    catalog = repository()
    there = catalog.environment(environment)
    image = f"{there.registry}/x@sha256:{'a' * 64}"
    released = [Release(each, image) for each in catalog.shipped(there)]
    path = tmp_path / "plan.json"
    path.write_text(write_plan("deploy", there, released, CLEAN, Order(), catalog.slos))
    plan = read_plan(path)
    assert [each.name for each in plan.services] == list(there.services)
    assert longest(path.read_text()) < 3 * 60 * 60
