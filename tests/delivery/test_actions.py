"""Actions under their locks: what counts is how things are by then, not how they were before."""

import json
from pathlib import Path

import pytest

from delivery import actions, freeze
from delivery.clock import CLOCK
from delivery.errors import Refused
from delivery.lease import NAME as ENVIRONMENT
from delivery.lease import name_of
from delivery.plan import Plan, read_plan
from tests.delivery.bluegreen.shop import NAME, Shop, application
from tests.delivery.memory.world import NS, SERVICES

ACTIONS = {"promote": actions.promote, "cleanup": actions.cleanup}
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NS}/leases"


@pytest.fixture
def shop() -> Shop:
    """Make a shop whose release is live."""
    made = Shop()
    made.deliver(application("one"))
    made.world.store.objects["/version"] = {"metadata": {}, "gitVersion": "v1"}
    return made


def plan_of(action: str, folder: Path) -> Plan:
    """Write a plan for the shop."""
    service = {"name": NAME, "image": "", "health": "/health", "version": "1"}
    plan = {
        "version": 1,
        "action": action,
        "environment": "test",
        "namespace": NS,
        "overlay": "",
        "rollout_seconds": 5,
        "revision": "abc",
        "services": [{**service, "strategy": "blue-green"}],
    }
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    return read_plan(path)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_freeze_that_came_while_the_lock_was_waited_for_counts(
    action: str, shop: Shop, tmp_path: Path
) -> None:
    def came(method: str, path: str) -> None:
        if (method, path) == ("POST", LEASES):
            shop.cluster.after = lambda _method, _path: None
            freeze.freeze(shop.cluster, NS, "ann", "a sale", CLOCK)

    shop.cluster.after = came
    with pytest.raises(Refused, match=f"{action}: .* was frozen by ann"):
        ACTIONS[action](shop.cluster, plan_of(action, tmp_path))


def test_a_service_that_became_rolling_before_the_lock_is_locked_as_one(
    shop: Shop, tmp_path: Path
) -> None:
    store, taken = shop.world.store, list[set[str]]()

    def held() -> set[str]:
        leases = {each["metadata"]["name"]: each["spec"] for each in store.list(LEASES)}
        return {name for name, spec in leases.items() if spec["holderIdentity"]}

    def came(method: str, path: str) -> None:
        if method != "GET" and path.startswith(LEASES) and held() not in taken:
            taken.append(held())
        if (method, path) == ("POST", LEASES) and len(taken) == 1:
            colour = {"spec": {"selector": {"shipyard.dev/colour": None}}}
            store.merge(f"{SERVICES}/{NAME}", colour, "another run")

    shop.cluster.after = came
    actions.cleanup(shop.cluster, plan_of("cleanup", tmp_path))
    ours = name_of(NAME)
    # Given back before both are taken anew: whoever waits for one of them holds nothing that sorts after it.
    assert taken == [{ours}, set(), {ENVIRONMENT}, {ENVIRONMENT, ours}]
