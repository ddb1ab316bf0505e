"""What the audit takes from a service's ignore file."""

import json

from pipelines.toolchains.audit import accepted

TEXT = """
vulnerabilities:
  - id: CVE-2026-0001
    statement: not reachable
    expired_at: 2027-01-31
    purls: [pkg:npm/lodash]
secrets:
  - {id: aws-access-key, statement: an example, expired_at: 2027-01-31}
"""


def test_only_vulnerabilities_count_and_their_days_are_text() -> None:
    assert json.loads(accepted(TEXT)) == [
        {
            "id": "CVE-2026-0001",
            "statement": "not reachable",
            "expired_at": "2027-01-31",
            "purls": ["pkg:npm/lodash"],
        }
    ]


def test_no_file_and_no_vulnerabilities_accept_nothing() -> None:
    assert accepted("") == "[]"
    assert accepted("secrets: []\n") == "[]"
