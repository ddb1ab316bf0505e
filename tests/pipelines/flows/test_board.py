"""The board: what became of each stage, whatever ended it."""

from pipelines.flows.board import Board
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


async def test_a_judge_gives_status_and_note() -> None:
    board = Board()
    board.stage("a", "scan", good, judge=lambda made: (Status.NOT_MADE, f"{made}, not all"))
    assert (await run(board))["a: scan"].status is Status.NOT_MADE


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
