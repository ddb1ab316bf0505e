"""judge.py: what fails, what is told, what is accepted for a while, and an audit that was not made."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.programs.installed import PROGRAMS

FINDING: dict[str, Any] = {
    "package": "lodash",
    "version": "4.17.15",
    "id": "GHSA-p6mc-m468-83gw",
    "aliases": ["CVE-2020-8203"],
    "severity": "high",
    "fixed": "4.17.19",
    "summary": "Prototype pollution",
    "url": "https://github.com/advisories/GHSA-p6mc-m468-83gw",
    "development": False,
    "file": "package-lock.json",
    "line": 17,
}
ACCEPTED = {"id": "GHSA-p6mc-m468-83gw", "statement": "not reachable", "expired_at": "2027-01-31"}
TODAY = "2026-11-26"


class Judged:
    """What the program ended with, what it told, and its reports."""

    def __init__(self, folder: Path, findings: list[dict[str, Any]], **others: Any) -> None:
        exceptions = others.pop("exceptions", [])
        answer = {"tool": "npm audit", "reason": "", "packages": 2, "findings": findings, **others}
        (folder / "answer.json").write_text(json.dumps(answer))
        (folder / "exceptions.json").write_text(json.dumps(exceptions))
        command = ["answer.json", "exceptions.json", TODAY, "services/shop", "reports"]
        done = subprocess.run(
            [sys.executable, PROGRAMS / "audit/judge.py", *command],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        self.code, self.told = done.returncode, done.stdout + done.stderr
        self.record = json.loads((folder / "reports/audit.json").read_text())
        (self.run,) = json.loads((folder / "reports/audit.sarif").read_text())["runs"]


def test_no_finding_is_clean_and_says_how_much_was_asked(tmp_path: Path) -> None:
    judged = Judged(tmp_path, [])
    assert judged.code == 0
    assert judged.told == "npm audit: 2 packages, 0 failing findings, 0 others, 0 accepted\n"
    assert judged.record["made"] is True
    assert judged.run["invocations"] == [{"executionSuccessful": True}]


@pytest.mark.parametrize("severity", ["high", "critical", "unknown"])
def test_a_grave_advisory_about_production_fails_and_is_a_row(
    tmp_path: Path, severity: str
) -> None:
    judged = Judged(tmp_path, [{**FINDING, "severity": severity}])
    assert judged.code == 1
    header, row = judged.told.splitlines()[1:3]
    assert header.split("  ")[0] == "package"
    assert row.split() == [
        *("lodash", "4.17.15", "GHSA-p6mc-m468-83gw", "4.17.19", severity),
        *("services/shop/package-lock.json:17", "Prototype", "pollution"),
    ]
    assert judged.record["findings"][0]["failing"] is True
    (result,) = judged.run["results"]
    assert (result["ruleId"], result["level"]) == ("GHSA-p6mc-m468-83gw", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "services/shop/package-lock.json"},
        "region": {"startLine": 17},
    }
    assert judged.run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


@pytest.mark.parametrize("changed", [{"severity": "moderate"}, {"development": True}])
def test_what_is_less_grave_or_not_in_production_is_told_and_passes(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    judged = Judged(tmp_path, [{**FINDING, **changed}])
    assert judged.code == 0
    assert "Told, but no failure" in judged.told
    assert "GHSA-p6mc-m468-83gw" in judged.told
    assert judged.run["results"][0]["level"] == "warning"


@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"id": "CVE-2020-8203"},
        {"purls": ["pkg:npm/lodash"]},
        {"purls": ["pkg:npm/lodash@4.17.15"]},
        {"paths": ["package-lock.json"]},
    ],
)
def test_an_exception_holds_until_its_day_for_any_of_the_names(
    tmp_path: Path, narrowed: dict[str, Any]
) -> None:
    judged = Judged(tmp_path, [FINDING], exceptions=[{**ACCEPTED, **narrowed}])
    assert judged.code == 0, judged.told
    assert "Accepted until 2027-01-31: not reachable: lodash 4.17.15" in judged.told
    (suppression,) = judged.run["results"][0]["suppressions"]
    assert suppression["justification"] == "until 2027-01-31: not reachable"


@pytest.mark.parametrize(
    "changed",
    [
        {"expired_at": TODAY},
        {"expired_at": "2020-01-01"},
        {"id": "CVE-2020-0001"},
        {"purls": ["pkg:npm/lodash@4.17.14"]},
        {"purls": ["pkg:pypi/lodash"]},
        {"paths": ["usr/lib"]},
    ],
)
def test_an_exception_for_another_day_name_or_place_hides_nothing(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    assert Judged(tmp_path, [FINDING], exceptions=[{**ACCEPTED, **changed}]).code == 1


def test_the_reason_of_an_audit_that_was_not_made_is_its_last_line(tmp_path: Path) -> None:
    judged = Judged(tmp_path, [], reason="405 Method Not Allowed")
    assert judged.code == 3
    assert judged.told.splitlines()[-1] == "405 Method Not Allowed"
    assert (judged.record["made"], judged.record["reason"]) == (False, "405 Method Not Allowed")
    assert judged.run["invocations"][0]["executionSuccessful"] is False


def test_what_half_an_audit_found_fails_all_the_same(tmp_path: Path) -> None:
    judged = Judged(tmp_path, [FINDING], reason="private was not found")
    assert judged.code == 1
    assert judged.told.splitlines()[-1] == "private was not found"


def test_the_gravest_come_first(tmp_path: Path) -> None:
    others = [{**FINDING, "severity": each, "id": each} for each in ("low", "high", "critical")]
    judged = Judged(tmp_path, others)
    assert [each["severity"] for each in judged.record["findings"]] == ["critical", "high", "low"]


def test_an_answer_that_is_none_is_a_defect(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text("nothing")
    (tmp_path / "exceptions.json").write_text("[]")
    done = subprocess.run(
        [
            *(sys.executable, PROGRAMS / "audit/judge.py", tmp_path / "answer.json"),
            *(tmp_path / "exceptions.json", TODAY, "services/shop", tmp_path / "reports"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "the judgement itself failed" in done.stderr
