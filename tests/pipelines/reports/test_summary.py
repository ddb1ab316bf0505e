"""The report: every stage once, failures with their own words, the exit code of the first."""

from pipelines.model import StageResult, Status
from pipelines.reports import exit_code, render

GOOD = StageResult(
    service="backend", stage="lint", status=Status.PASSED, seconds=1.23, note="clean"
)
BAD = StageResult(
    service="backend",
    stage="types",
    status=Status.FAILED,
    seconds=2,
    exit_code=3,
    output="app.py:1: error: wrong\n",
    reproduce="dagger call types --service=backend",
)
LATER = StageResult(
    service="", stage="deploy", status=Status.SKIPPED, note="waits for backend: types"
)


def test_a_good_run_has_a_line_per_stage_and_its_ending() -> None:
    assert render("Shipyard", [GOOD], "All good.") == (
        "Shipyard\n\n  backend: lint  ok          1.2 s  clean\n\nAll good.\n"
    )
    assert exit_code([GOOD, LATER]) == 0


def test_a_failure_is_named_with_output_and_command() -> None:
    report = render("Shipyard", [GOOD, BAD, LATER], "All good.")
    assert "backend: types  FAILED" in report
    assert "app.py:1: error: wrong" in report
    assert "Again, this alone: dagger call types --service=backend" in report
    assert "All good." not in report
    assert report.endswith("backend: types failed.\n")
    assert exit_code([GOOD, BAD, LATER]) == 3


def test_a_failure_without_a_code_is_still_one() -> None:
    failed = StageResult(service="", stage="reach", status=Status.FAILED)
    assert exit_code([failed]) == 1
    assert "(the tool wrote nothing)" in render("Shipyard", [failed])


def test_the_end_of_a_long_output_stays() -> None:
    long = StageResult(
        service="", stage="x", status=Status.FAILED, exit_code=1, output="a" * 50_000 + "the cause"
    )
    report = render("Shipyard", [long])
    assert "the cause" in report
    assert "30009 characters left out" in report
    assert len(report) < 25_000
