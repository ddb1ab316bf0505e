"""Long runs: many releases under load, many kills. Run by `make soak`; SOAK_ROUNDS says how many (20)."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Shipped, newcomer

pytestmark = [pytest.mark.soak, pytest.mark.root, pytest.mark.timeout(7200)]
ROUNDS = int(os.environ.get("SOAK_ROUNDS", "20"))
LOAD_PAUSE_S = 0.02


@pytest.fixture(scope="module")
def shipped() -> Iterator[Shipped]:
    """Ship once; the rounds go on from there."""
    with newcomer() as shipped:
        yield shipped


class Load:
    """One client that asks for the service's health until it is told to stop."""

    def __init__(self, shipped: Shipped) -> None:
        self.statuses: Counter[int] = Counter()
        self._shipped = shipped
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOAD_PAUSE_S):
            self.statuses[self._shipped.place.get("/api/health")[0]] += 1


def edit(shipped: Shipped, mark: str) -> None:
    """Change one line of the service."""
    app = shipped.repository / "services" / "backend" / "app" / "__init__.py"
    app.write_text(f"{app.read_text().rstrip()}\n\n\n# {mark}\n")


def test_releases_under_load_lose_no_request(shipped: Shipped) -> None:
    with Load(shipped) as load:
        for number in range(ROUNDS):
            edit(shipped, f"release {number}")
            done = shipped.call("ship", "--env=local")
            assert done.code == 0, done.text[-6000:]
    assert set(load.statuses) == {200}, load.statuses


def test_kills_at_any_moment_leave_a_machine_that_ships(shipped: Shipped) -> None:
    chance = random.Random(20261122)
    for number in range(ROUNDS):
        edit(shipped, f"kill {number}")
        process = shipped.place.start(
            shipped.drydock, "call", "ship", "--env=local", cwd=shipped.repository
        )
        time.sleep(chance.uniform(0.05, 8.0))
        process.signal(signal.SIGKILL)
        process.finish()
    done = shipped.call("ship", "--env=local")
    assert done.code == 0, done.text[-6000:]
    assert shipped.place.get("/api/health")[0] == 200
