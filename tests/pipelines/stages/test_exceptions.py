"""Accepted findings: every one has an id, a reason and a day, and the day counts."""

import pytest

from pipelines.catalog import DocumentError
from pipelines.model import StageFailure
from pipelines.stages.exceptions import (
    MISCONFIGURATIONS,
    SECRETS,
    VULNERABILITIES,
    check_exceptions,
)

PATH = "services/shop/.trivyignore.yaml"
GOOD = """
vulnerabilities:
  - id: CVE-2026-0001
    statement: not reachable
    expired_at: 2027-01-31
    paths: [usr/lib/python3.11]
secrets:
  - {id: aws-access-key, statement: an example, expired_at: 2026-06-30}
"""
BEFORE = "2026-01-01"


def check(text: str, kind: str = VULNERABILITIES, today: str = BEFORE) -> None:
    check_exceptions(PATH, text, kind, today)


def test_what_names_reason_and_day_is_accepted() -> None:
    check(GOOD)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    expired_at: 2027-01-31\n", "", r"vulnerabilities\[0\].expired_at: is missing"),
        ("expired_at: 2027-01-31\n    paths", "expired_at: soon\n    paths", "'soon' is not a day"),
        ("    statement: not reachable\n", "", r"statement: is missing, give the reason"),
        ("statement: not", "reason: not", "is missing"),
        ("secrets:", "secret:", "secret: unknown key, did you mean 'secrets'"),
        ("secrets:", "licenses:", "licenses: unknown key"),
        ("    paths:", "    path:", "path: unknown key, did you mean 'paths'"),
        ("vulnerabilities:\n  - ", "vulnerabilities:\n    ", "is not a list of mappings"),
    ],
)
def test_what_would_hold_for_ever_is_refused(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(DocumentError, match=told):
        check(GOOD.replace(old, new, 1))


def test_an_entry_holds_until_the_day_before_its_own() -> None:
    check(GOOD, VULNERABILITIES, "2027-01-30")
    with pytest.raises(StageFailure):
        check(GOOD, VULNERABILITIES, "2027-01-31")


def test_an_expired_entry_names_file_id_day_and_reason_and_what_to_do() -> None:
    with pytest.raises(StageFailure) as failure:
        check(GOOD, VULNERABILITIES, "2027-03-01")
    assert failure.value.exit_code == 1
    assert failure.value.output == (
        f"{PATH}: vulnerabilities: CVE-2026-0001 was accepted until 2027-01-31 (not reachable);"
        " that day has come: remove it or set a new day with a reason."
    )


def test_every_expired_entry_is_told_at_once() -> None:
    more = "  - {id: CVE-2026-0002, statement: neither, expired_at: 2026-12-01}\nsecrets:"
    with pytest.raises(StageFailure) as failure:
        check(GOOD.replace("secrets:", more), VULNERABILITIES, "2027-03-01")
    assert [line.split()[2] for line in failure.value.output.splitlines()] == [
        "CVE-2026-0001",
        "CVE-2026-0002",
    ]


def test_an_expired_entry_fails_the_stage_of_its_kind_and_no_other() -> None:
    check(GOOD, VULNERABILITIES, "2026-12-01")
    check(GOOD, MISCONFIGURATIONS, "2026-12-01")
    with pytest.raises(StageFailure, match="exit code 1"):
        check(GOOD, SECRETS, "2026-12-01")


def test_a_moment_counts_as_its_day() -> None:
    with pytest.raises(StageFailure, match="exit code"):
        check(GOOD.replace("2027-01-31", "2027-01-31T12:00:00Z"), VULNERABILITIES, "2027-01-31")
