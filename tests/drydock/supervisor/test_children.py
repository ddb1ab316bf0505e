"""The processes of a machine, each started with what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from drydock.supervisor.address_book import Machine, Ports
from drydock.supervisor.children import FIRST, Child, Part, parts_of

pytestmark = pytest.mark.root

SHARES = Path("/proc/self/autogroup")
# Ends with its lifeline, and tells the share of its own session and of one that it starts, as a container is.
TELLS = "read line; cat /proc/self/autogroup; setsid --wait cat /proc/self/autogroup"


async def _shares(tmp_path: Path, *, goes_first: bool) -> list[int]:
    async def is_ready() -> bool:
        return True

    said = tmp_path / "said"
    part = Part("teller", ("sh", "-c", TELLS), said, is_ready, goes_first=goes_first)
    child = await Child.start(part, tmp_path)
    await child.stop()
    return [int(line.split()[-1]) for line in said.read_text().splitlines()]


@pytest.mark.skipif(not SHARES.exists(), reason="this kernel does not share by session")
async def test_who_goes_first_gets_more_than_what_it_starts(tmp_path: Path) -> None:
    """Six pods that start at once do not keep the API from answering; each has a session of its own."""
    assert await _shares(tmp_path, goes_first=True) == [FIRST, 0]
    assert await _shares(tmp_path, goes_first=False) == [0, 0]


def test_the_cluster_goes_first(tmp_path: Path) -> None:
    """It answers for the pods; registry and engine take their turns."""
    machine = Machine(tmp_path / "state", tmp_path / "config", Ports(1, 2, 3))
    machine.run_dir.mkdir(parents=True)
    assert [part.name for part in parts_of(machine) if part.goes_first] == ["cluster"]
