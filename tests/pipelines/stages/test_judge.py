"""Judging the commands of a stage as one: every word kept, the first no decides."""

import pytest
from dagger import dag

from pipelines.model import Status
from pipelines.stages.judge import ToolFailure, judge
from pipelines.toolchains.run import Ran


def ran(exit_code: int, output: str) -> Ran:
    """Make a command that ended."""
    return Ran(exit_code, output, dag.container())


def test_commands_that_all_passed_are_one_good_answer() -> None:
    judged = judge([ran(0, "one\n"), ran(0, "\n"), ran(0, "three")])
    assert (judged.output, judged.status) == ("one\nthree", Status.PASSED)
    assert len(judged.reports) == 3


def test_the_first_no_decides_and_every_word_is_kept() -> None:
    with pytest.raises(ToolFailure) as caught:
        judge([ran(0, "fine"), ran(3, "bad"), ran(4, "worse")])
    assert (caught.value.exit_code, caught.value.output) == (3, "fine\nbad\nworse")
    assert len(caught.value.reports) == 3


def test_reports_that_lie_elsewhere_are_taken_from_there() -> None:
    elsewhere = dag.directory()
    assert judge([ran(0, "")], [elsewhere]).reports == (elsewhere,)
    with pytest.raises(ToolFailure) as caught:
        judge([ran(1, "no")], [elsewhere])
    assert caught.value.reports == (elsewhere,)
