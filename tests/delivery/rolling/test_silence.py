"""An API server that is away while a failed release goes back: it is waited for, and the way back is taken."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from delivery import follow, release
from delivery.bluegreen.fleet import Fleet
from delivery.cluster import ApiError, Cluster
from delivery.errors import VerificationError
from delivery.sequence import failures
from tests.delivery.bluegreen.shop import NAME, Shop, application
from tests.delivery.conftest import digest
from tests.delivery.memory.store import RefusalError
from tests.delivery.rolling.conftest import Deliver
from tests.delivery.rolling.objects import running

SILENT_SECONDS = 3.0
Silence = Callable[[float], None]


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Silence:
    """Give what takes the API server away from the delivery, for some seconds from then on."""
    until, plain = [0.0], Cluster.raw

    def raw(self: Cluster, *args: Any, **more: Any) -> tuple[int, bytes]:
        if threading.current_thread() is threading.main_thread() and time.monotonic() < until[0]:
            return 503, b'{"message": "not now"}'
        return plain(self, *args, **more)

    def begin(seconds: float) -> None:
        until[0] = time.monotonic() + seconds

    monkeypatch.setattr(Cluster, "raw", raw)
    return begin


@pytest.mark.usefixtures("node")
def test_the_way_back_waits_for_a_server_that_is_away(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    silence: Silence,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("good") == 0

    def silent(*_args: object) -> None:
        silence(SILENT_SECONDS)
        raise VerificationError("backend: /api/health answers 500")

    monkeypatch.setattr(release, "verify", silent)
    assert deliver("silent") == 6
    assert "Rolled back: backend: 3 of 3 ready" in capsys.readouterr().out
    assert running(cluster, namespace).endswith(digest("good"))


@pytest.mark.usefixtures("node")
def test_a_server_that_stays_away_is_told_with_what_to_do(
    deliver: Deliver,
    silence: Silence,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("good") == 0

    def silent(*_args: object) -> None:
        silence(SILENT_SECONDS)
        raise VerificationError("backend: /api/health answers 500")

    monkeypatch.setattr(release, "verify", silent)
    monkeypatch.setattr(follow, "DEAF_SECONDS", 0.5)
    assert deliver("silent") == 5
    told = capsys.readouterr().out
    assert "Users may be on a release that nobody watches" in told
    assert "the action rollback, or this release again" in told


@pytest.mark.usefixtures("node")
def test_a_release_that_the_server_refuses_to_tell_about_goes_back(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("good") == 0

    def refused(*_args: object) -> None:
        raise ApiError(403, "replicasets are forbidden")

    monkeypatch.setattr(release, "inspect", refused)
    assert deliver("unseen") == 4
    assert "the API server failed: replicasets are forbidden" in capsys.readouterr().out
    assert running(cluster, namespace).endswith(digest("good"))


def test_a_refusal_in_the_fleet_is_a_failure_beside_the_others() -> None:
    shop = Shop()

    def refused(_method: str, _path: str) -> None:
        raise RefusalError(403, "services are forbidden")

    shop.cluster.before = refused
    fleet = Fleet({NAME: shop.machine(application("one"))}, {}, lambda *_args: None)
    fleet.begin([NAME])
    fleet.join()
    (failed,) = failures(fleet)
    assert "services are forbidden" in str(failed)
    assert failed.exit_code == 1
