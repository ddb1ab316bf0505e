"""A freeze: what may be frozen counts as frozen, and who only looks is told."""

import pytest

from delivery import freeze
from delivery.errors import PreflightError
from tests.delivery.bluegreen.shop import Shop
from tests.delivery.memory.store import RefusalError
from tests.delivery.memory.world import NS


def shop_without_rights() -> Shop:
    """Make a cluster that lets nobody read configmaps."""
    shop = Shop()

    def refused(_method: str, path: str) -> None:
        if "/configmaps" in path:
            raise RefusalError(403, "configmaps is forbidden")

    shop.cluster.before = refused
    return shop


def test_a_freeze_that_cannot_be_read_may_be_there() -> None:
    with pytest.raises(PreflightError) as refused:
        freeze.check(shop_without_rights().cluster, NS, "deploy")
    told = str(refused.value)
    assert refused.value.exit_code == 3
    assert f"it cannot be read whether {NS} is frozen: configmaps is forbidden" in told
    assert "Rule: a freeze that cannot be read may be there" in told
    assert f"Way out: ask for the right to get configmaps in {NS}" in told


def test_who_only_looks_is_told_that_nobody_can_tell() -> None:
    told = freeze.told(shop_without_rights().cluster, NS)
    assert told == f"it cannot be read whether {NS} is frozen: configmaps is forbidden"


def test_who_only_looks_is_told_of_a_freeze() -> None:
    shop = Shop()
    assert freeze.told(shop.cluster, NS) == ""
    freeze.freeze(shop.cluster, NS, "ann", "a sale", shop.clock())
    assert freeze.told(shop.cluster, NS).endswith(" a sale")
    assert freeze.told(shop.cluster, NS).startswith("frozen by ann since ")
