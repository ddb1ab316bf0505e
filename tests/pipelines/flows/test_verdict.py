"""How a run ends: a good one with its report, a bad one with its tool's exit code."""

import logging
from typing import Any, cast

import dagger
import pytest

from pipelines.flows.verdict import VerdictError, conclude
from pipelines.model import StageResult, Status
from pipelines.toolchains import python
from tests.pipelines.errors import exec_error, query_error

GOOD = StageResult(service="shop", stage="lint", status=Status.PASSED)
BAD = StageResult(service="shop", stage="test", status=Status.FAILED, exit_code=5, output="no")


class Ending:
    """Stands for the container whose process ends the run."""

    def __init__(self, answer: Exception) -> None:
        self.answer = answer
        self.ran: list[tuple[list[str], str]] = []

    def with_exec(self, args: list[str], stdin: str) -> "Ending":
        """Note the process."""
        self.ran.append((args, stdin))
        return self

    async def sync(self) -> None:
        """End it."""
        raise self.answer


def ending(monkeypatch: pytest.MonkeyPatch, answer: Exception) -> Ending:
    """Let the process that ends a run answer with an error."""
    container = Ending(answer)
    monkeypatch.setattr(python, "base", lambda: cast("Any", container))
    return container


async def test_a_good_run_returns_its_report_and_starts_nothing() -> None:
    assert (await conclude("Shipyard check", [GOOD], "Fine.")).endswith("\n\nFine.\n")


async def test_a_bad_run_is_a_process_that_prints_the_report_and_ends_with_the_tools_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = exec_error(5)
    container = ending(monkeypatch, error)
    with pytest.raises(dagger.ExecError) as caught:
        await conclude("Shipyard check", [GOOD, BAD], "Fine.")
    assert caught.value is error
    ((command, printed),) = container.ran
    assert command == ["sh", "-c", "cat; exit 5"]
    assert printed.endswith("\n\nshop: test failed.\n")


async def test_the_error_of_that_process_is_kept_out_of_the_log_and_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("dagger.mod")
    before = list(log.filters)
    ending(monkeypatch, exec_error(5))
    try:
        with pytest.raises(dagger.ExecError) as caught:
            await conclude("Shipyard check", [BAD])
        log.error("the report's", exc_info=caught.value)
        log.error("another's", exc_info=exec_error(5))
    finally:
        log.filters[:] = before
    assert [record.message for record in caplog.records] == ["another's"]


@pytest.mark.parametrize("answer", [query_error("no engine"), exec_error(137)])
async def test_a_process_that_could_not_end_so_leaves_the_report_in_the_error(
    monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    ending(monkeypatch, answer)
    with pytest.raises(VerdictError, match="shop: test failed"):
        await conclude("Shipyard check", [BAD])
