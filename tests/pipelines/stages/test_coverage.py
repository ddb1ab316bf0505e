"""Coverage and counts: read out of the reports that every kind's tools write, rounded down."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import dagger
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.model import Service
from pipelines.stages import test as testing
from pipelines.stages.judge import Judged, ToolFailure
from pipelines.stages.subject import Subject
from pipelines.stages.test import Coverage, count_tests, read_coverage, run_tests
from pipelines.stages.workbench import Workbench
from tests.pipelines.examples import service

JUNIT = """
<testsuites><testsuite tests="4">
  <testcase name="passes"/><testcase name="passes too"><system-out>words</system-out></testcase>
  <testcase name="is left out"><skipped message="no browser"/></testcase>
</testsuite></testsuites>
"""


def totals(lines: int, valid: int, branches: int, ways: int) -> str:
    """Write a report with totals, and lines that say something else."""
    return (
        f'<coverage lines-covered="{lines}" lines-valid="{valid}" line-rate="1"'
        f' branches-covered="{branches}" branches-valid="{ways}">'
        '<class><lines><line number="1" hits="0"/></lines></class></coverage>'
    )


def test_lines_and_branches_count_together() -> None:
    assert read_coverage(totals(8, 10, 1, 2)) == Coverage(covered=9, valid=12)
    assert read_coverage(totals(10, 10, 0, 0)).percent == 100


def test_without_totals_the_lines_are_counted() -> None:
    report = (
        "<coverage><class><lines>"
        '<line number="1" hits="2"/><line number="2" hits="0"/><line number="3" hits="1"/>'
        "</lines></class></coverage>"
    )
    assert read_coverage(report) == Coverage(covered=2, valid=3)


def test_nothing_to_cover_is_covered() -> None:
    assert read_coverage("<coverage></coverage>").percent == 100
    assert read_coverage(totals(0, 0, 0, 0)).percent == 100


@pytest.mark.parametrize(
    ("covered", "valid", "told"),
    [
        (10, 10, "100%"),
        (9996, 10000, "99.9%"),
        (99999, 100000, "99.9%"),
        (2, 3, "66.6%"),
        (1, 2, "50%"),
        (0, 7, "0%"),
        (0, 0, "100%"),
    ],
)
def test_coverage_is_told_rounded_down(covered: int, valid: int, told: str) -> None:
    assert str(Coverage(covered, valid)) == told


@given(
    st.integers(1, 10**6).flatmap(lambda valid: st.tuples(st.integers(0, valid), st.just(valid)))
)
def test_what_is_told_is_never_more_than_what_is_covered(counts: tuple[int, int]) -> None:
    covered, valid = counts
    tenths = round(float(str(Coverage(covered, valid)).removesuffix("%")) * 10)
    assert tenths == 1000 * covered // valid


def test_tests_that_were_left_out_are_not_counted() -> None:
    assert count_tests(JUNIT) == 2
    assert count_tests("<testsuites/>") == 0


@dataclass
class Reports:
    """A folder of reports; in an engine it would be a directory."""

    files: dict[str, str]

    async def entries(self) -> list[str]:
        """List the names."""
        return list(self.files)

    def file(self, name: str) -> "Report":
        """Take one."""
        return Report(self.files[name])


@dataclass
class Report:
    """One file of them."""

    text: str

    async def contents(self) -> str:
        """Read it."""
        return self.text


def judge_of(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], of: Service | None = None
) -> Judged:
    """Judge tests that passed and wrote these reports."""
    passed = Judged("all good", (cast("dagger.Directory", Reports(files)),))

    async def check(_bench: Workbench, _stage: str) -> Judged:
        return passed

    monkeypatch.setattr(testing, "check", check)
    bench = Workbench(Subject(of or service(), cast("Any", None)), cast("Any", None))
    return asyncio.run(run_tests(bench))


def test_enough_coverage_is_noted_with_the_number_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"junit.xml": JUNIT, "coverage.xml": totals(9, 10, 0, 0)}
    judged = judge_of(monkeypatch, files, service(coverage=90))
    assert judged.note == "2 passed, 90% covered"


def test_a_report_of_no_code_at_all_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"junit.xml": JUNIT, "coverage.xml": totals(0, 0, 0, 0)}
    with pytest.raises(ToolFailure, match="exit code 1") as caught:
        judge_of(monkeypatch, files)
    assert "the report knows no code at all" in caught.value.output
    assert judge_of(monkeypatch, files, service(coverage=0)).note == "2 passed, 100% covered"


def test_too_little_coverage_fails_and_keeps_words_and_reports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """99.96 % is not 100 %, neither for the judge nor in what is told."""
    files = {"junit.xml": JUNIT, "coverage.xml": totals(9996, 10000, 0, 0)}
    with pytest.raises(ToolFailure) as caught:
        judge_of(monkeypatch, files)
    assert caught.value.exit_code == 1
    assert caught.value.output == (
        "all good\nRequired test coverage of 100% not reached. Total coverage: 99.9%"
    )
    assert len(caught.value.reports) == 1


@pytest.mark.parametrize("missing", ["junit.xml", "coverage.xml"])
def test_tests_that_leave_no_report_are_told_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    files = {"junit.xml": JUNIT, "coverage.xml": totals(1, 1, 0, 0)}
    with pytest.raises(ToolFailure) as caught:
        judge_of(monkeypatch, {name: text for name, text in files.items() if name != missing})
    assert caught.value.exit_code == 2
    assert f"left no {missing}: see docs/configuration.md" in caught.value.output
