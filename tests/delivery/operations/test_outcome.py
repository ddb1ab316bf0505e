"""Verdicts of experiments, from what was done and what the requests came to."""

import pytest

from delivery.modes import ChaosKind
from delivery.operations.chaos.outcome import Notes, Verdict, judged, not_made, written
from delivery.sample import Sample

GOOD = Sample(sent=100, p99_ms=12.3)


def notes(**changes: dict[str, str]) -> Notes:
    """Note that a pod of the shop was evicted."""
    made = Notes(**changes)  # type: ignore[arg-type]
    made.did("shop", "a pod evicted")
    return made


@pytest.mark.parametrize(
    ("noted", "sample", "verdict", "told"),
    [
        (notes(), GOOD, Verdict.PASS, "a pod evicted"),
        (
            notes(),
            Sample(sent=100, failed=3, failures={"status 502": 3}, worst_run=2),
            Verdict.FAIL,
            "3x status 502, 2 in a row; a pod evicted",
        ),
        (notes(problems={"shop": "not whole"}), GOOD, Verdict.FAIL, "not whole"),
        (
            notes(skipped={"shop": "its budget says no"}),
            GOOD,
            Verdict.NOT_MADE,
            "its budget says no",
        ),
        (Notes(), GOOD, Verdict.NOT_MADE, "its turn never came"),
        (
            notes(),
            Sample(unmeasured=9, way="proxy gone"),
            Verdict.NOT_MADE,
            "nothing is known: proxy",
        ),
        (Notes(), Sample(sent=9, failed=1, failures={"x": 1}), Verdict.FAIL, "1x x"),
    ],
)
def test_a_verdict_needs_a_deed_and_requests(
    noted: Notes, sample: Sample, verdict: Verdict, told: str
) -> None:
    (found,) = judged(ChaosKind.POD_KILL, noted, {"shop": sample})
    assert found.verdict is verdict
    assert told in found.told


def test_the_report_has_a_line_per_service_and_no_numbers_where_nothing_was_sent() -> None:
    lines = written(
        [
            *judged(ChaosKind.RESTART, notes(), {"shop": GOOD}),
            *not_made(ChaosKind.DRAIN, ["shop"], "one node only"),
        ]
    ).splitlines()
    assert lines[0].split() == ["experiment", "service", "sent", "failed", "p99", "ms", "verdict"]
    assert lines[1].split()[:5] == ["restart", "shop", "100", "0", "12.3"]
    assert lines[1].endswith("pass: a pod evicted")
    assert lines[2].split()[:5] == ["drain", "all", "-", "-", "-"]
    assert lines[2].endswith("not made: one node only")
