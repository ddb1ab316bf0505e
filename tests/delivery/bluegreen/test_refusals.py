"""An API server that refuses one write, or loses one answer, or is deaf for a moment: the run comes to the same end."""

from collections.abc import Callable

import pytest

from delivery.errors import DeliveryError
from tests.delivery.bluegreen import invariants
from tests.delivery.bluegreen.shop import Shop
from tests.delivery.bluegreen.test_kills import MOST_WRITES, Run, begun
from tests.delivery.memory import MemoryCluster
from tests.delivery.memory.store import RefusalError

RUNS = ("adoption", "second", "bad watch", "promotion", "rollback", "exit")
DEAF_QUESTIONS = 9
Fault = Callable[[MemoryCluster, int], None]


def refused(status: int) -> Fault:
    """Refuse one write."""

    def fault(cluster: MemoryCluster, write: int) -> None:
        left = [write]

        def before(method: str, path: str) -> None:
            if method != "GET":
                left[0] -= 1
                if not left[0]:
                    raise RefusalError(status, f"{method} {path}: not now")

        cluster.before = before

    return fault


def lost(cluster: MemoryCluster, write: int) -> None:
    """Carry out one write and lose the answer."""

    def after(method: str, path: str) -> None:
        invariants_hold()
        if method != "GET" and len(cluster.writes) == write:
            raise RefusalError(0, f"{method} {path}: the connection was reset")

    invariants_hold, cluster.after = _checked(cluster), after


def deaf(cluster: MemoryCluster, write: int) -> None:
    """Answer no question for a moment after one write."""
    left = [DEAF_QUESTIONS]

    def before(method: str, path: str) -> None:
        if method == "GET" and len(cluster.writes) >= write and left[0]:
            left[0] -= 1
            raise RefusalError(429, f"{method} {path}: too many requests")

    cluster.before = before


def _checked(cluster: MemoryCluster) -> Callable[[], None]:
    after = cluster.after
    return lambda: after("GET", "")


def ended(shop: Shop, run: Run, fault: Fault | None, write: int) -> tuple[str, set[str], int]:
    """Run to the end; give what it ended in, whom users reach then, and how many writes it took."""
    cluster = MemoryCluster(shop.world)
    cluster.after = lambda _method, _path: invariants.check(shop)
    if fault is not None:
        fault(cluster, write)
    try:
        run(shop, cluster)
    except DeliveryError as error:
        return type(error).__name__, shop.users_reach(), len(cluster.writes)
    return "done", shop.users_reach(), len(cluster.writes)


@pytest.mark.parametrize(
    "fault", [refused(409), refused(500), lost, deaf], ids=["conflict", "error", "lost", "deaf"]
)
@pytest.mark.parametrize("beginning", RUNS)
def test_one_fault_changes_nothing_of_the_end(beginning: str, fault: Fault) -> None:
    *wanted, writes = ended(*begun(beginning), None, 0)
    assert writes < MOST_WRITES
    for write in range(1, writes + 1):
        shop, run = begun(beginning)
        *came_to, _ = ended(shop, run, fault, write)
        assert came_to == wanted, f"a fault at write {write}"
        invariants.check(shop)
