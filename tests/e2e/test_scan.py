"""The scans in real containers, with the database of the day or one made of Debian's archive."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import Shipped
from tests.e2e.scan_script import TOKEN

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
Answers = dict[str, Any]


@pytest.fixture(scope="module")
def answers(shipped: Shipped) -> Answers:
    """Run the script once."""
    shipped.place.environ["_EXPERIMENTAL_DAGGER_CLI_BIN"] = shipped.drydock
    python = str(shipped.repository / ".venv" / "bin" / "python")
    done = shipped.place.run(python, "-m", "tests.e2e.scan_script", cwd=shipped.repository)
    assert done.code == 0, done.text[-6000:]
    answers: Answers = json.loads(done.stdout)
    return answers


def test_there_is_a_database_that_says_what_it_is(answers: Answers) -> None:
    source, date, blind = answers["database"]
    assert source in ("trivy", "debian-archive")
    assert len(date) == len("2026-01-31")
    assert bool(blind) == (source == "debian-archive")


def test_the_newest_package_is_clean_and_an_older_one_is_not(answers: Answers) -> None:
    if answers["database"][0] == "debian-archive":
        assert answers["newest"]["code"] == 0, answers["newest"]["output"]
    assert answers["older"]["code"] == 1
    assert "CVE-" in answers["older"]["output"]
    report = json.loads(answers["older"]["reports"]["scan.sarif"])
    assert any(each["ruleId"].startswith("CVE-") for each in report["runs"][0]["results"])


def test_what_the_database_was_made_without_is_no_clean_scan(answers: Answers) -> None:
    if answers["database"][0] != "debian-archive":
        pytest.skip("Trivy's own database covers every package")
    assert answers["uncovered"]["code"] == 3
    assert "NOT looked for: the database was made without tini." in answers["uncovered"]["output"]


def test_without_a_database_the_rest_is_looked_for(answers: Answers) -> None:
    assert answers["without"]["code"] == 0
    assert set(answers["without"]["reports"]) == {"scan.json", "scan.sarif"}


def test_a_secret_is_found_by_its_path_in_the_repository_and_never_shown(answers: Answers) -> None:
    assert answers["secrets"]["code"] == 1
    assert "services/shop/app.py:2" in answers["secrets"]["output"]
    assert TOKEN not in json.dumps(answers)
    assert answers["accepted"]["code"] == 0


def test_a_careless_dockerfile_fails(answers: Answers) -> None:
    assert answers["configuration"]["code"] == 1
    assert "services/shop/Dockerfile" in answers["configuration"]["output"]
