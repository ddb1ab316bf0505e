"""lint_dockerfile.py with the pinned hadolint."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.programs.installed import PROGRAMS, python_tool, with_path

GOOD = """\
FROM debian:bookworm-slim
RUN apt-get update \\
    && apt-get install --yes --no-install-recommends tini \\
    && rm -rf /var/lib/apt/lists/*
USER 10001:10001
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["/app/serve"]
"""


@pytest.fixture(scope="session")
def hadolint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install hadolint."""
    return python_tool("hadolint", tmp_path_factory.mktemp("tools"))


def lint(hadolint: Path, folder: Path, dockerfile: str) -> tuple[int, str]:
    """Lint; return exit code and what was told."""
    if dockerfile:
        (folder / "Dockerfile").write_text(dockerfile)
    done = subprocess.run(
        [sys.executable, PROGRAMS / "lint_dockerfile.py", "Dockerfile", "out/lint.sarif"],
        cwd=folder,
        env=with_path(hadolint),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_good_one_passes_with_packages_of_no_fixed_version(
    hadolint: Path, tmp_path: Path
) -> None:
    assert lint(hadolint, tmp_path, GOOD) == (0, "Dockerfile: 0 warnings and errors, 0 notes\n")


def test_a_broken_rule_fails_with_its_line_and_help(hadolint: Path, tmp_path: Path) -> None:
    code, told = lint(hadolint, tmp_path, GOOD.replace("bookworm-slim", "latest"))
    assert code == 1
    assert "Dockerfile:1  warning  DL3007" in told
    assert "> FROM debian:latest" in told
    assert "hadolint/wiki/DL3007" in told
    (run,) = json.loads((tmp_path / "out/lint.sarif").read_text())["runs"]
    assert [each["ruleId"] for each in run["results"]] == ["DL3007"]


def test_a_note_is_told_and_passes(hadolint: Path, tmp_path: Path) -> None:
    code, told = lint(hadolint, tmp_path, GOOD.replace(" --no-install-recommends", ""))
    assert code == 0
    assert "note  DL3015" in told


def test_what_cannot_be_parsed_fails(hadolint: Path, tmp_path: Path) -> None:
    code, told = lint(hadolint, tmp_path, "FROMM debian\n")
    assert code == 1
    assert "DL1000" in told


def test_no_dockerfile_is_not_clean(hadolint: Path, tmp_path: Path) -> None:
    code, told = lint(hadolint, tmp_path, "")
    assert code == 2
    assert "hadolint could not look" in told
