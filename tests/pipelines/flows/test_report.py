"""The report for programs: what every stage said, in a form that is kept."""

import json

from pipelines.flows.report import describe
from pipelines.model import StageResult, Status

FAILED = StageResult(
    service="shop",
    stage="lint",
    status=Status.FAILED,
    seconds=1.5,
    exit_code=3,
    output="a secret place: app.py:1",
    note="",
    reproduce="dagger call lint --service=shop",
    since="2026-11-25 10:00",
    saved=2.5,
)
DEPLOYED = StageResult(service="", stage="deploy", status=Status.PASSED, remark="shop: 3 of 3")


def test_the_report_is_of_version_1_and_has_every_stage_in_order() -> None:
    report = json.loads(describe([FAILED, DEPLOYED]))
    assert set(report) == {"version", "stages"}
    assert report["version"] == 1
    assert [stage["stage"] for stage in report["stages"]] == ["lint", "deploy"]


def test_a_stage_has_everything_but_what_its_tool_wrote() -> None:
    (stage,) = json.loads(describe([FAILED]))["stages"]
    assert stage == {
        "service": "shop",
        "stage": "lint",
        "status": "failed",
        "seconds": 1.5,
        "exit_code": 3,
        "note": "",
        "remark": "",
        "reproduce": "dagger call lint --service=shop",
        "since": "2026-11-25 10:00",
        "saved": 2.5,
    }


def test_every_status_has_a_word_of_its_own() -> None:
    results = [StageResult(service="", stage=status, status=status) for status in Status]
    stages = json.loads(describe(results))["stages"]
    assert [each["status"] for each in stages] == ["passed", "failed", "not made", "skipped"]


def test_a_run_of_nothing_is_a_report_too() -> None:
    assert json.loads(describe([])) == {"version": 1, "stages": []}
