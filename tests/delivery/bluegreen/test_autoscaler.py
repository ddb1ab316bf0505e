"""The autoscaler follows the live colour, through switches and back."""

import pytest

from delivery.bluegreen.autoscaler import pointed, scales
from delivery.bluegreen.deliver import deliver
from delivery.bluegreen.verbs import rollback
from delivery.cluster import Obj
from delivery.errors import VerificationError
from delivery.gate import Result, Stage
from tests.delivery.bluegreen.shop import NAME, Scripted, Shop, application
from tests.delivery.memory import MemoryCluster
from tests.delivery.memory.store import RefusalError
from tests.delivery.memory.world import NS

FOLDER = f"/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers"


def autoscaler(target: str, name: str = NAME) -> Obj:
    """Render an autoscaler."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    metadata = {"name": name, "namespace": NS}
    spec = {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 5}
    return {"kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}


def followed(shop: Shop) -> dict[str, str]:
    """Read which Deployment each autoscaler is about."""
    found = shop.world.store.list(FOLDER)
    return {x["metadata"]["name"]: x["spec"]["scaleTargetRef"]["name"] for x in found}


@pytest.fixture
def shop() -> Shop:
    """Give a shop with one release, its autoscaler, and somebody else's."""
    made = Shop()
    made.deliver(application("one"))
    facts = made.machine(application()).look().facts
    for each in (pointed(autoscaler(NAME), NAME, facts), autoscaler("till", "till")):
        made.world.store.create(FOLDER, each, "test", made.world.now)
    return made


def test_it_is_applied_for_the_live_colour_and_follows_every_switch(shop: Shop) -> None:
    assert followed(shop) == {"shop": "shop-blue", "till": "till"}
    shop.deliver(application("two"))
    assert followed(shop) == {"shop": "shop-green", "till": "till"}
    rollback([shop.machine(application())], "asked for")
    assert followed(shop) == {"shop": "shop-blue", "till": "till"}


def test_it_follows_users_back_from_a_bad_release(shop: Shop) -> None:
    bad = Scripted(lambda at: Result.FAIL if at.stage is Stage.LIVE else Result.PASS)
    with pytest.raises(VerificationError):
        shop.deliver(application("two", live=(bad,)))
    assert followed(shop) == {"shop": "shop-blue", "till": "till"}


def test_only_an_autoscaler_of_the_deployment_itself_counts() -> None:
    assert scales(autoscaler(NAME), NAME)
    assert not scales(autoscaler("till"), NAME)
    assert not scales({**autoscaler(NAME), "kind": "PodDisruptionBudget"}, NAME)


@pytest.mark.parametrize(("status", "told"), [(403, False), (500, True)])
def test_a_team_without_rights_on_autoscalers_hears_nothing_of_it(
    shop: Shop, capsys: pytest.CaptureFixture[str], status: int, told: bool
) -> None:
    cluster = MemoryCluster(shop.world)

    def before(_method: str, path: str) -> None:
        if path.startswith(FOLDER):
            raise RefusalError(status, "no")

    cluster.before = before
    machine = shop.machine(application("two"), cluster)
    assert deliver([machine]) == "live"
    assert ("the autoscaler does not follow to shop-green" in capsys.readouterr().err) is told
