"""Do the tests pass, and do they cover enough? pytest with coverage and the usual report files."""

import re

from pipelines.stages.judge import judge
from pipelines.stages.workbench import Workbench

REPORTS = "/reports"


def _command(coverage: int) -> list[str]:
    return [
        "pytest",
        "-p",
        "no:cacheprovider",
        f"--junitxml={REPORTS}/junit.xml",
        "--cov",
        "--cov-report=term-missing",
        f"--cov-report=xml:{REPORTS}/coverage.xml",
        f"--cov-fail-under={coverage}",
    ]


async def run_tests(bench: Workbench) -> str:
    """Run the service's tests; fail below its coverage threshold."""
    return await judge(bench.container(), [_command(bench.service.coverage)])


def summarize(output: str) -> str:
    """Shorten what pytest wrote to one line, e.g. `9 passed, 100% covered`."""
    passed = re.search(r"(\d+ passed[^=\n]*?)(?: in [\d.]+s)", output)
    covered = re.search(r"^TOTAL\b.*?(\d+(?:\.\d+)?%)", output, re.MULTILINE)
    parts = [passed[1]] if passed else []
    return ", ".join([*parts, f"{covered[1]} covered"] if covered else parts)
