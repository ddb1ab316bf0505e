"""Counting what users see of a release while it lasts."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from delivery.bluegreen.crew import counted
from delivery.bluegreen.machine import Machine
from tests.delivery.bluegreen.shop import Shop, application
from tests.delivery.memory import MemoryCluster
from tests.delivery.servers import always, cluster_of


class Asking(MemoryCluster):
    """A client whose requests to the application go over a real socket."""

    way = Path()

    @property
    def socket(self) -> Path:
        """Lead to the server that answers for the application."""
        return self.way


def machine(shop: Shop, way: Path, rate: float, path: str = "") -> Machine:
    """Make a machine whose service is asked."""
    cluster = Asking(shop.world)
    cluster.way = way
    return shop.machine(replace(application(), rate=rate, probe_path=path), cluster)


def test_what_users_would_see_is_counted_also_when_the_release_fails(tmp_path: Path) -> None:
    shop = Shop()
    shop.deliver(application("one"))
    with cluster_of(always(200), tmp_path) as (server, way):
        asked = machine(shop, way.socket, 40, "/buy")
        with pytest.raises(KeyError):
            failing(asked)
    assert asked.sample is not None
    assert asked.sample.sent == len(server.asked) >= 6
    assert asked.sample.failed == 0
    assert {path.rpartition("/proxy")[2] for path in server.paths} == {"/buy"}


def failing(asked: Machine) -> None:
    """Count, and end badly."""
    with counted([asked]):
        time.sleep(0.3)
        raise KeyError


def test_who_wants_no_requests_gets_none(tmp_path: Path) -> None:
    shop = Shop()
    shop.deliver(application("one"))
    with cluster_of(always(200), tmp_path) as (server, way):
        unasked = machine(shop, way.socket, 0)
        with counted([unasked]):
            time.sleep(0.1)
    assert server.asked == []
    assert unasked.sample is None


def test_before_there_is_a_service_nobody_is_asked(tmp_path: Path) -> None:
    with cluster_of(always(200), tmp_path) as (server, way):
        first = machine(Shop(), way.socket, 40)
        with counted([first]):
            time.sleep(0.1)
    assert server.asked == []
    assert first.sample is None
