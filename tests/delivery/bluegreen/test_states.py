"""The table of states and moves: what the documentation says, what the code allows, and what really happens."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from delivery.bluegreen import machine as machines
from delivery.bluegreen.observation import Seen
from delivery.bluegreen.states import TRANSITIONS, Aim, Move, State, state_of
from delivery.bluegreen.verbs import rollback
from delivery.bluegreen.writer import Writer
from delivery.errors import DeliveryError
from tests.delivery.bluegreen.shop import Shop, application
from tests.delivery.bluegreen.test_kills import BEGINNINGS, begun
from tests.delivery.memory import MemoryCluster
from tests.delivery.memory.world import DEPLOYMENTS

DOCUMENT = Path(__file__).parents[3] / "docs/delivery.md"
WITHOUT_A_WRITE = {Move.AWAIT, Move.JUDGE, Move.DONE}


def documented() -> dict[Move, tuple[frozenset[State], frozenset[State]]]:
    """Read the table of moves in the documentation."""
    section = DOCUMENT.read_text().split("| move | from | to | one write |")[1].split("\n\n")[0]
    table = {}
    for line in section.splitlines()[2:]:
        move, before, after, _ = (cell.strip() for cell in line.strip("|").split("|"))
        table[Move(move)] = states(before), states(after)
    return table


def states(cell: str) -> frozenset[State]:
    """Read a cell: names of states, or all but some."""
    named = frozenset(State(name.lower()) for name in re.findall(r"[A-Z]{5,}", cell))
    return frozenset(State) - named if cell.startswith("any") else named


def test_the_documentation_has_the_table_that_the_code_has() -> None:
    assert documented() == TRANSITIONS


def test_every_move_that_writes_is_in_the_table() -> None:
    assert TRANSITIONS.keys() == set(Move) - WITHOUT_A_WRITE


def test_every_move_is_made_and_leads_where_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    made = set()

    def performed(writer: Writer, move: Move, seen: Seen, aim: Aim, told: str = "") -> None:
        perform(writer, move, seen, aim, told)
        after = machines.observe(
            writer.cluster, writer.clock, writer.app.namespace, writer.app.name, writer.run, {}
        )
        assert state_of(seen.facts) in TRANSITIONS[move][0], move
        assert state_of(after.facts) in TRANSITIONS[move][1], (move, state_of(after.facts))
        made.add(move)

    perform: Callable[..., None] = machines.perform
    monkeypatch.setattr(machines, "perform", performed)
    for beginning in BEGINNINGS:
        shop, run = begun(beginning)
        try:
            run(shop, MemoryCluster(shop.world))
        except DeliveryError:
            assert beginning in ("bad preview", "bad watch", "crash")
    resized()
    assert made == TRANSITIONS.keys()


def resized() -> None:
    """Let the number of replicas change: in the manifest, and by an autoscaler before a rollback."""
    shop = Shop()
    shop.deliver(application("one"))
    shop.deliver(application("one", replicas=3))
    shop.deliver(application("two", replicas=3))
    more = {"spec": {"replicas": 6}}
    shop.world.store.merge(f"{DEPLOYMENTS}/shop-green", more, "autoscaler")
    shop.world.pass_time(3)
    rollback([shop.machine(application())], "not wanted")
    assert shop.users_reach() == {"one"}
