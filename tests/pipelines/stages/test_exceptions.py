"""Accepted findings: every one has an id, a reason and a day."""

import pytest

from pipelines.document import DocumentError
from pipelines.stages.exceptions import check_exceptions

GOOD = """
vulnerabilities:
  - id: CVE-2026-0001
    statement: not reachable
    expired_at: 2027-01-31
    paths: [usr/lib/python3.11]
secrets:
  - {id: aws-access-key-id, statement: an example, expired_at: 2027-01-31}
"""


def test_what_names_reason_and_day_is_accepted() -> None:
    check_exceptions("f", GOOD)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    expired_at: 2027-01-31\n", "", r"vulnerabilities\[0\].expired_at: is missing"),
        ("expired_at: 2027-01-31\n    paths", "expired_at: soon\n    paths", "'soon' is not a day"),
        ("    statement: not reachable\n", "", r"statement: is missing, give the reason"),
        ("statement: not", "reason: not", "is missing"),
        ("secrets:", "secret:", "secret: unknown key, did you mean 'secrets'"),
        ("    paths:", "    path:", "path: unknown key, did you mean 'paths'"),
        ("vulnerabilities:\n  - ", "vulnerabilities:\n    ", "is not a list of mappings"),
    ],
)
def test_what_would_hold_for_ever_is_refused(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(DocumentError, match=told):
        check_exceptions("f", GOOD.replace(old, new, 1))
