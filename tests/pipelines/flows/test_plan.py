"""The plan: what would run, after what, and what is known; nothing is run for it."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pipelines.flows import memory
from pipelines.flows.board import Board
from pipelines.flows.graph import Task
from pipelines.flows.keys import keys_of
from pipelines.flows.plan import render, write_plan
from pipelines.toolchains import ledger
from pipelines.toolchains.ledger import Entry
from tests.pipelines.examples import Folder


async def never() -> None:
    """Must not be called."""
    raise AssertionError("a plan runs nothing")


def known(status: str, seconds: float) -> Entry:
    """Make what an earlier run found out."""
    return Entry(key="", status=status, seconds=seconds, time="2026-11-25 10:00")


def plan(board: Board, said: Mapping[Task[Any], Entry] | None = None) -> str:
    """Write the plan of a board."""
    return render("Shipyard ship near", board.entries, said or {})


def test_a_small_board_is_told_line_by_line() -> None:
    board = Board()
    tools = board.preparation("shop", "tools", never)
    format_ = board.stage("shop", "format", never, needs=[tools], inputs=["code"])
    test = board.stage("shop", "test", never, needs=[tools, format_], inputs=["code"])
    audit = board.stage("shop", "audit", never, inputs=["locks"])
    layers = board.preparation("shop", "layers", never, needs=[tools])
    build = board.stage("shop", "build", never, needs=[layers, test, audit], inputs=["code"])
    lint = board.stage("cart", "lint", never, inputs=["code"])
    board.stage("", "deploy", never, needs=[build, lint])
    told = plan(
        board,
        {format_: known("passed", 4.4), test: known("failed", 2), audit: known("not made", 1)},
    )
    assert told == (
        "Shipyard ship near: the plan, nothing was run\n"
        "\n"
        "  shop\n"
        "    format  passed, unchanged since 2026-11-25 10:00\n"
        "    test    failed, unchanged since 2026-11-25 10:00    after format\n"
        "    audit   not made, unchanged since 2026-11-25 10:00\n"
        "    build   runs                                        after test, audit\n"
        "\n"
        "  cart\n"
        "    lint    runs\n"
        "\n"
        "  all services\n"
        "    deploy  runs every time                             after shop: build, cart: lint\n"
        "\n"
        "3 of 6 stages are known; they took 7 s.\n"
    )


def test_what_a_preparation_waits_for_is_told_of_whoever_needs_it() -> None:
    """Through any number of them, and once."""
    board = Board()
    build = board.stage("shop", "build", never, inputs=[])
    first = board.preparation("", "advisories", never, needs=[build])
    second = board.preparation("", "database", never, needs=[first, build])
    board.stage("shop", "scan", never, needs=[second, build], inputs=[])
    assert "    scan   runs  after build\n" in plan(board)
    assert "advisories" not in plan(board)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (8, "after s0: t, s1: t, s2: t, s3: t, s4: t, s5: t, s6: t, s7: t\n"),
        (9, "after s0: t, s1: t, s2: t, s3: t, 5 others\n"),
        (40, "after s0: t, s1: t, s2: t, s3: t, 36 others\n"),
    ],
)
def test_what_waits_for_many_names_some_and_counts_the_others(count: int, told: str) -> None:
    board = Board()
    gates = [board.stage(f"s{number}", "t", never, inputs=[]) for number in range(count)]
    board.stage("", "publish", never, needs=gates)
    assert told in plan(board)


def test_a_stage_that_is_known_never_touches_what_stands_after_it() -> None:
    board = Board()
    audit = board.stage("shop", "audit", never, inputs=["x"])
    scan = board.stage("shop", "scan", never, needs=[audit], inputs=["x"])
    told = plan(board, {scan: known("not made", 1)})
    assert "not made, unchanged since 2026-11-25 10:00  after audit\n" in told


def test_an_empty_board_has_an_empty_plan() -> None:
    assert plan(Board()).endswith("\n\n0 of 0 stages are known; they took 0 s.\n")


async def test_a_plan_runs_nothing_and_tells_what_the_ledger_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recalled: dict[str, Entry] = {}

    async def recall() -> dict[str, Entry]:
        return recalled

    monkeypatch.setattr(ledger, "recall", recall)
    monkeypatch.setattr(memory, "own_files", lambda: Folder("pipelines"))

    def board(code: str) -> Board:
        made = Board()
        made.stage("shop", "lint", never, inputs=[Folder(code)])
        return made

    assert "    lint  runs\n" in await write_plan("Shipyard check", board("code"))
    keys = await keys_of(inputs(board("code").entries), Folder("pipelines"))
    recalled.update({key: known("passed", 3) for key in keys.values()})
    told = await write_plan("Shipyard check", board("code"))
    assert "    lint  passed, unchanged since 2026-11-25 10:00\n" in told
    assert "    lint  runs\n" in await write_plan("Shipyard check", board("other code"))


def inputs(entries: Iterable[Any]) -> dict[Task[Any], tuple[Any, ...]]:
    """Give what stages read."""
    return {entry.task: entry.inputs for entry in entries if entry.inputs is not None}
