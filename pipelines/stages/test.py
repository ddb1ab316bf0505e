"""Do the tests pass, and do they cover enough? The threshold is the service's, for every kind the same."""

from dataclasses import dataclass, replace
from xml.etree import ElementTree

from pipelines.stages.check import check
from pipelines.stages.judge import Judged, ToolFailure
from pipelines.stages.workbench import Workbench

_JUNIT, _COVERAGE = "junit.xml", "coverage.xml"
_BELOW, _NO_REPORT = 1, 2


@dataclass(frozen=True)
class Coverage:
    """How many lines and branches there are, and how many of them were run."""

    covered: int
    valid: int

    @property
    def percent(self) -> float:
        """Lines and branches together; nothing to cover is covered."""
        return 100 * self.covered / self.valid if self.valid else 100.0

    def __str__(self) -> str:
        # Rounded down: 99.96 is not 100.
        return f"{int(self.percent * 10) / 10:g}%"


async def run_tests(bench: Workbench) -> Judged:
    """Run the service's tests; fail below its coverage threshold."""
    judged = await check(bench, "test")
    coverage = read_coverage(await _report(judged, _COVERAGE))
    count = count_tests(await _report(judged, _JUNIT))
    threshold = bench.subject.service.coverage
    if coverage.valid == 0 and threshold > 0:
        told = (
            f"Required test coverage of {threshold}% not reached: the report knows no code at all"
        )
        raise ToolFailure(_BELOW, f"{judged.output}\n{told}", judged.reports)
    if coverage.percent < threshold:
        told = f"Required test coverage of {threshold}% not reached. Total coverage: {coverage}"
        raise ToolFailure(_BELOW, f"{judged.output}\n{told}", judged.reports)
    return replace(judged, note=f"{count} passed, {coverage} covered")


async def _report(judged: Judged, name: str) -> str:
    (reports,) = judged.reports
    if name not in await reports.entries():
        told = f"The tests passed, but left no {name}: see docs/configuration.md, kinds of services"
        raise ToolFailure(_NO_REPORT, f"{judged.output}\n{told}", judged.reports)
    return await reports.file(name).contents()


def read_coverage(report: str) -> Coverage:
    """Read the totals of a Cobertura report; without them, count its lines."""
    root = ElementTree.fromstring(report)  # noqa: S314 - written by a tool of ours a moment ago
    names = ("lines-covered", "lines-valid", "branches-covered", "branches-valid")
    if all(root.get(name, "").isdigit() for name in names):
        lines, valid, branches, ways = (int(root.get(name, "0")) for name in names)
        return Coverage(lines + branches, valid + ways)
    hits = [int(line.get("hits", "0")) for line in root.iter("line")]
    return Coverage(sum(1 for count in hits if count), len(hits))


def count_tests(report: str) -> int:
    """Count the test cases of a JUnit report that ran."""
    root = ElementTree.fromstring(report)  # noqa: S314 - written by a tool of ours a moment ago
    return sum(1 for case in root.iter("testcase") if case.find("skipped") is None)
