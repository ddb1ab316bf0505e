"""The memory of a run: what is marked as known, what is learned, and that nothing fails for its sake."""

import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from pipelines.flows import memory
from pipelines.flows.board import Board, Verdict
from pipelines.flows.graph import OnFailure
from pipelines.flows.keys import Input
from pipelines.model import StageFailure, StageResult, Status
from pipelines.toolchains.ledger import Entry, recall, remember
from tests.pipelines.errors import query_error
from tests.pipelines.examples import Folder
from tests.pipelines.ledgers import keep_in

Run = Callable[[], Awaitable[str]]
LONG_AGO = "2026-11-25 10:00"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the ledger in a file of this machine."""
    monkeypatch.setattr(memory, "own_files", lambda: Folder("pipelines"))
    return keep_in(tmp_path, monkeypatch)


async def good() -> str:
    """Succeed."""
    return "made"


async def refuse() -> str:
    """Say no as a tool does."""
    raise StageFailure(4, "no")


async def defect() -> str:
    """Break as an engine does."""
    raise query_error("no space left on device")


class Unreadable:
    """Files that an engine cannot digest."""

    async def digest(self) -> str:
        """Fail."""
        raise query_error("the source has gone")


def board_of(run: Run = good, inputs: tuple[Input, ...] | None = ("words",)) -> Board:
    """Put a stage `lint` on a board, and one after it that has an effect."""
    board = Board()
    lint = board.stage("shop", "lint", run, inputs=inputs)
    board.stage("", "push", good, needs=[lint])
    return board


async def results(board: Board, *, fresh: bool = False) -> dict[str, StageResult]:
    """Run a board with its memory."""
    done = await memory.run(board, OnFailure.FINISH, fresh=fresh)
    return {result.name: result for result in done}


async def age(seconds: float) -> None:
    """Let what is known have been found out long ago, in so many seconds."""
    known = await recall()
    await remember(
        Entry(key=key, status=entry.status, seconds=seconds, time=LONG_AGO)
        for key, entry in known.items()
    )


async def test_a_first_run_learns_and_marks_nothing() -> None:
    first = await results(board_of())
    assert [result.since for result in first.values()] == ["", ""]
    (entry,) = (await recall()).values()
    assert entry.status == "passed"
    assert len(entry.time) == len(LONG_AGO)


async def test_the_same_answer_to_the_same_inputs_is_marked_with_what_it_saved() -> None:
    await results(board_of())
    await age(12.5)
    lint = (await results(board_of()))["shop: lint"]
    assert lint.since == LONG_AGO
    assert lint.saved == pytest.approx(12.5, abs=1)
    assert {entry.time for entry in (await recall()).values()} == {LONG_AGO}


async def test_nothing_is_saved_by_what_took_longer_this_time() -> None:
    await results(board_of())
    await age(0.0)
    assert (await results(board_of()))["shop: lint"].saved == 0.0


async def test_a_red_answer_is_known_too() -> None:
    await results(board_of(refuse))
    await age(3)
    again = await results(board_of(refuse))
    assert (again["shop: lint"].since, again["shop: lint"].status) == (LONG_AGO, Status.FAILED)
    assert again["push"].status is Status.SKIPPED


async def test_what_could_not_be_made_is_known_too() -> None:
    def board() -> Board:
        made = Board()
        made.stage("a", "audit", good, judge=lambda _: Verdict(Status.NOT_MADE), inputs=["words"])
        return made

    await results(board())
    await age(3)
    assert (await results(board()))["a: audit"].since == LONG_AGO


async def test_an_error_of_the_engine_is_no_answer() -> None:
    await results(board_of(defect))
    assert await recall() == {}
    assert (await results(board_of(defect)))["shop: lint"].since == ""


@pytest.mark.parametrize("code", [124, 137, 143])
async def test_to_be_killed_is_no_answer(code: int) -> None:
    """A machine that was busy for a while does not answer for later runs."""

    async def killed() -> str:
        raise StageFailure(code, "it was killed")

    await results(board_of(killed))
    assert await recall() == {}


async def test_other_inputs_are_not_known() -> None:
    await results(board_of())
    assert (await results(board_of(inputs=("other words",))))["shop: lint"].since == ""
    assert len(await recall()) == 2


async def test_a_changed_status_is_news_and_replaces_what_was_known() -> None:
    await results(board_of())
    await age(3)
    assert (await results(board_of(refuse)))["shop: lint"].since == ""
    (entry,) = (await recall()).values()
    assert entry.status == "failed"
    assert entry.time != LONG_AGO


async def test_a_fresh_run_marks_nothing_and_is_what_later_runs_refer_to() -> None:
    await results(board_of())
    await age(3)
    assert (await results(board_of(), fresh=True))["shop: lint"].since == ""
    (entry,) = (await recall()).values()
    assert entry.time != LONG_AGO


async def test_effects_and_what_did_not_run_are_never_known() -> None:
    for _ in range(2):
        done = await results(board_of(refuse, inputs=None))
        assert [result.since for result in done.values()] == ["", ""]
    assert await recall() == {}


async def test_a_skipped_stage_is_not_learned() -> None:
    board = Board()
    refused = board.stage("a", "lint", refuse)
    board.stage("a", "build", good, needs=[refused], inputs=["words"])
    await results(board)
    assert await recall() == {}


async def test_a_ledger_that_cannot_be_read_or_written_warns_and_fails_nothing(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await anyio.Path(file).mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        done = await results(board_of())
    assert [result.status for result in done.values()] == [Status.PASSED, Status.PASSED]
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in told] == [
        "the ledger of earlier runs could not be read",
        "the ledger of earlier runs could not be written",
    ]


async def test_files_that_cannot_be_digested_warn_and_fail_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        done = await results(board_of(inputs=(Unreadable(), Unreadable())))
    assert done["shop: lint"].status is Status.PASSED
    (record,) = caplog.records
    assert record.getMessage() == "what stages read could not be digested: the source has gone"


async def test_what_is_known_can_be_told_without_running_anything() -> None:
    await results(board_of())
    await age(3)

    async def never() -> str:
        raise AssertionError("a plan runs nothing")

    board = board_of(never)
    known = await memory.known_stages(board)
    assert {task.name: entry.time for task, entry in known.items()} == {"shop: lint": LONG_AGO}


async def test_the_memory_is_one_json_object_a_line(file: Path) -> None:
    await results(board_of())
    (line,) = (await anyio.Path(file).read_text()).splitlines()
    assert set(json.loads(line)) == {"key", "status", "seconds", "time"}
