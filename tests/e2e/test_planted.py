"""One fault per stage, in all services at once: exactly that stage says no, in each of them, and no other does."""

from __future__ import annotations

import re

import pytest

from tests.e2e.conftest import Shipped
from tests.e2e.plants import FAULTS, KEY, SERVICES, Fault

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
NAMESPACE = "shipyard-local"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_exactly_the_stage_that_looks_for_a_fault_finds_it(shipped: Shipped, fault: Fault) -> None:
    before = images(shipped)
    copy = shipped.variant(f"planted-{fault.name}")
    for plant in fault.plants.values():
        plant.apply(copy)
    done = shipped.call("ship", "--env=local", cwd=copy)
    report = done.stderr[done.stderr.rfind("\nShipyard ship local\n") :]
    assert done.code != 0, done.text[-6000:]
    assert failed(report) == {(service, fault.stage) for service in SERVICES}, report
    for service, words in fault.words.items():
        assert words in block(report, service, fault.stage), report
    assert KEY not in done.text
    assert images(shipped) == before


def failed(report: str) -> set[tuple[str, str]]:
    """Read from the report's last line which stages failed."""
    told = report.rstrip().splitlines()[-1]
    assert told.endswith(" failed."), report
    names = told.removesuffix(" failed.").split(", ")
    pairs = (name.partition(": ") for name in names)
    return {(service, stage) for service, _, stage in pairs}


def block(report: str, service: str, stage: str) -> str:
    """Cut out what a stage's tool said, without colours."""
    _, _, rest = report.partition(f"--- {service}: {stage} failed")
    words, _, _ = rest.partition("\n" + "-" * 80)
    return re.sub(r"\x1b\[[0-9;]*m", "", words)


def images(shipped: Shipped) -> str:
    """Tell what the cluster runs."""
    template = "jsonpath={.items[*].spec.template.spec.containers[*].image}"
    return shipped.kubectl("-n", NAMESPACE, "get", "deployments", "-o", template).stdout
