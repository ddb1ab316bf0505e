"""Quota: quantities and the height of an update."""

from decimal import Decimal
from typing import Any

import pytest

from delivery.quota import demand, quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("1Gi", str(2**30)),
        ("128Mi", str(2**27)),
        ("2", "2"),
        ("1e3", "1000"),
        ("1Pi", str(2**50)),
    ],
)
def test_quantities_are_read(text: str, value: str) -> None:
    assert quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "1Zi", "many"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        quantity(text)


def deployment(surge: Any) -> dict[str, Any]:
    """Make a Deployment of three pods."""
    resources = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "200m"}}
    return {
        "metadata": {"name": "backend"},
        "spec": {
            "replicas": 3,
            "strategy": {"rollingUpdate": {"maxSurge": surge}},
            "template": {"spec": {"containers": [{"resources": resources}]}},
        },
    }


def test_a_first_release_needs_all_its_pods_and_the_surge() -> None:
    wanted = demand([deployment(1)], {})
    assert wanted["pods"] == 4
    assert wanted["requests.cpu"] == wanted["cpu"] == Decimal("0.4")
    assert wanted["limits.cpu"] == Decimal("0.8")


def test_an_update_needs_only_the_surge_more() -> None:
    running = {"backend": {"status": {"replicas": 3}}}
    assert demand([deployment("34%")], running)["pods"] == 2
