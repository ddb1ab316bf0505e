"""The board: what became of each stage, whatever ended it."""

import anyio
import pytest

from pipelines.flows.board import Board, Verdict
from pipelines.flows.graph import OnFailure
from pipelines.model import StageFailure, StageResult, Status


async def good() -> str:
    """Succeed."""
    return "made"


async def refuse() -> str:
    """Say no as a tool does."""
    raise StageFailure(4, "no")


async def defect() -> str:
    """Break."""
    raise OSError("disk full [traceparent:0123456789abcdef0123456789abcdef-0123456789abcdef]")


async def run(board: Board) -> dict[str, StageResult]:
    """Run a board and name its results."""
    return {result.name: result for result in await board.run(OnFailure.FINISH)}


async def test_a_judge_gives_status_note_and_remark() -> None:
    board = Board()
    board.stage("a", "scan", good, judge=lambda made: Verdict(Status.NOT_MADE, made, "not all"))
    scan = (await run(board))["a: scan"]
    assert (scan.status, scan.note, scan.remark) == (Status.NOT_MADE, "made", "not all")


async def test_without_a_judge_what_ended_has_passed() -> None:
    board = Board()
    task = board.stage("a", "lint", good)
    lint = (await run(board))["a: lint"]
    assert (lint.status, lint.exit_code, lint.note) == (Status.PASSED, 0, "")
    assert task.result == "made"


async def test_a_tools_no_keeps_its_code_and_words() -> None:
    board = Board()
    refused = board.stage("a", "lint", refuse, reproduce="dagger call lint")
    board.stage("", "deploy", good, needs=[refused])
    results = await run(board)
    lint = results["a: lint"]
    assert (lint.status, lint.exit_code, lint.output) == (Status.FAILED, 4, "no")
    assert lint.reproduce == "dagger call lint"
    assert results["deploy"].note == "waits for a: lint"


async def test_a_preparation_shows_only_when_it_fails() -> None:
    board = Board()
    board.preparation("a", "tools", good)
    broken = board.preparation("b", "tools", defect)
    board.stage("b", "test", good, needs=[broken])
    results = await run(board)
    assert sorted(results) == ["b: test", "b: tools"]
    assert results["b: tools"].output == "disk full"
    assert results["b: tools"].exit_code == 1
    assert results["b: test"].note == "waits for b: tools"


async def test_a_code_that_no_process_can_have_becomes_one() -> None:
    async def set_up_failed() -> str:
        raise StageFailure(-1, "no such user")

    board = Board()
    board.stage("a", "lint", set_up_failed)
    assert (await run(board))["a: lint"].exit_code == 1


async def test_a_stopped_run_says_what_it_did_not_do() -> None:
    board = Board()
    board.stage("a", "lint", refuse)
    board.stage("b", "lint", anyio.sleep_forever)
    with anyio.fail_after(5):
        results = {each.name: each for each in await board.run(OnFailure.STOP)}
    assert results["a: lint"].status is Status.FAILED
    assert (results["b: lint"].status, results["b: lint"].note) == (Status.SKIPPED, "stopped early")


async def test_a_fatal_preparation_stops_the_run() -> None:
    board = Board()
    board.preparation("", "reach", refuse, fatal=True)
    board.stage("a", "lint", anyio.sleep_forever)
    with anyio.fail_after(5):
        results = await run(board)
    assert (results["reach"].exit_code, results["a: lint"].note) == (4, "stopped early")


async def test_results_come_in_the_order_of_the_board() -> None:
    async def late() -> str:
        await anyio.sleep(0.02)
        return "made"

    board = Board()
    board.stage("a", "slow", late)
    board.stage("a", "quick", good)
    assert [each.stage for each in await board.run(OnFailure.FINISH)] == ["slow", "quick"]


async def test_the_seconds_of_a_stage_are_its_own() -> None:
    """Waiting for its turn, or for what it needs, is not counted."""
    board = Board()
    slow = board.stage("a", "slow", lambda: anyio.sleep(0.2))
    board.stage("a", "after", good, needs=[slow])
    results = await run(board)
    assert results["a: slow"].seconds >= 0.2
    assert results["a: after"].seconds < 0.1


@pytest.mark.parametrize(
    ("told", "allowed"), [("3", 3), ("1", 2), ("0", 2), ("many", 5), ("", 5), ("12", 12)]
)
async def test_as_many_run_at_once_as_the_engine_has_cores(
    monkeypatch: pytest.MonkeyPatch, told: str, allowed: int
) -> None:
    """At least two, as many stages only wait for the network; this machine's own when it does not say."""
    monkeypatch.setenv("DAGGER_ENGINE_NUM_CPU", told)
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    running, most = 0, 0

    async def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(0.01)
        running -= 1

    board = Board()
    for number in range(14):
        board.stage("", str(number), count)
    await board.run(OnFailure.FINISH)
    assert most == allowed


async def test_the_entries_tell_what_a_stage_reads() -> None:
    board = Board()
    board.stage("a", "lint", good, inputs=["words"])
    board.stage("a", "nothing read", good, inputs=[])
    board.stage("", "push", good)
    assert [entry.inputs for entry in board.entries] == [("words",), (), None]
