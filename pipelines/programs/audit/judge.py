"""Judge what an audit was told: judge.py ANSWER EXCEPTIONS TODAY PATH REPORTS.

ANSWER is what one of the asking programs wrote. EXCEPTIONS is the list of the service's accepted
vulnerabilities as JSON, each with `id`, `statement`, `expired_at`, perhaps `paths` and `purls`; from
its day on an entry hides nothing. PATH is the service's folder, by which findings are told.

What production runs with fails when it is of severity high, critical or unknown; the rest is told.
Writes REPORTS/audit.json and REPORTS/audit.sarif. Ends with 0 when nothing failed, with 1 when
something did, with 3 when the audit could not be made (the last line says why), and with 2 on a defect.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MADE, FOUND, DEFECT, NOT_MADE = 0, 1, 2, 3
GRAVE = ("critical", "high", "unknown")
_LEVELS = {"moderate": "warning", "medium": "warning", "low": "note", "info": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "unknown": "7.0", "moderate": "5.5", "low": "3.0"}
_SUMMARY = 90
_COLUMNS = ("package", "version", "id", "fixed in", "severity", "where", "summary")


@dataclass(frozen=True)
class Finding:
    """An advisory about something that a lock file pins; `accepted` holds the reason and the last day."""

    package: str
    version: str
    id: str
    aliases: tuple[str, ...]
    severity: str
    fixed: str
    summary: str
    url: str
    development: bool
    file: str
    line: int
    accepted: str = ""

    @property
    def failing(self) -> bool:
        """Tell whether production must not run with this."""
        return not self.development and not self.accepted and self.severity in GRAVE

    @property
    def row(self) -> tuple[str, ...]:
        """Give the line of the table."""
        summary = " ".join(self.summary.split())
        short = summary if len(summary) <= _SUMMARY else f"{summary[: _SUMMARY - 3]}..."
        where = f"{self.file}:{self.line}"
        return (
            *(self.package, self.version, self.id),
            *(self.fixed or "none yet", self.severity, where, short),
        )


def purl_of(told: dict[str, Any]) -> str:
    """Name a package as a package URL without a version."""
    kind = "npm" if told["file"] == "package-lock.json" else "pypi"
    return f"pkg:{kind}/{told['package'].replace('@', '%40')}"


def applies(exception: dict[str, Any], told: dict[str, Any], today: str) -> bool:
    """Tell whether an exception holds for a finding on a day."""
    if exception["expired_at"] <= today or exception["id"] not in (told["id"], *told["aliases"]):
        return False
    purl = purl_of(told)
    versions = [f"{purl}@{version}" for version in told["version"].split(", ")]
    purls = exception.get("purls", ())
    return all(
        (
            not purls or purl in purls or set(versions) <= set(purls),
            not exception.get("paths") or told["file"] in exception["paths"],
        )
    )


def findings_of(
    answer: dict[str, Any], exceptions: list[dict[str, Any]], today: str, path: str
) -> list[Finding]:
    """Put exceptions beside findings; the gravest come first."""
    found = []
    for told in answer["findings"]:
        holding = next((each for each in exceptions if applies(each, told, today)), None)
        accepted = f"until {holding['expired_at']}: {holding['statement']}" if holding else ""
        place = {"file": f"{path}/{told['file']}", "aliases": tuple(told["aliases"])}
        found.append(Finding(**{**told, **place}, accepted=accepted))
    order = [*GRAVE, *_LEVELS]
    return sorted(found, key=lambda one: (not one.failing, order.index(one.severity), one.row))


def table(found: list[Finding]) -> str:
    """Lay findings out in columns."""
    rows = [_COLUMNS, *(each.row for each in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def told(answer: dict[str, Any], found: list[Finding]) -> str:
    """Write everything that people should know; the reason of an audit that was not made comes last."""
    failing = [each for each in found if each.failing]
    accepted = [each for each in found if each.accepted]
    others = [each for each in found if not each.failing and not each.accepted]
    parts = []
    if failing:
        parts.append(f"Production would run with these:\n{table(failing)}")
    if others:
        parts.append(f"Told, but no failure (development only, or below high):\n{table(others)}")
    parts.extend(
        f"Accepted {each.accepted}: {each.package} {each.version} {each.id}\n" for each in accepted
    )
    if answer["reason"]:
        parts.append(f"{answer['tool']} could not make the audit:\n{answer['reason']}\n")
    else:
        parts.append(
            f"{answer['tool']}: {answer['packages']} packages, {len(failing)} failing findings,"
            f" {len(others)} others, {len(accepted)} accepted\n"
        )
    return "\n".join(parts)


def level_of(finding: Finding) -> str:
    """Give SARIF's level."""
    return "error" if finding.failing else _LEVELS.get(finding.severity, "warning")


def rule_of(finding: Finding) -> dict[str, Any]:
    """Describe an advisory for SARIF."""
    rule: dict[str, Any] = {
        "id": finding.id,
        "shortDescription": {"text": f"{finding.package}: {finding.summary[:200]}"},
        "properties": {
            "tags": ["security", "dependency", *finding.aliases],
            "security-severity": _SCORES.get(finding.severity, "3.0"),
        },
    }
    return {**rule, "helpUri": finding.url} if finding.url else rule


def result_of(finding: Finding, rules: list[str]) -> dict[str, Any]:
    """Write one finding for SARIF, at the line that pins the package."""
    fixed = f"fixed in {finding.fixed}" if finding.fixed else "there is no fix yet"
    place = {
        "artifactLocation": {"uri": finding.file},
        "region": {"startLine": max(finding.line, 1)},
    }
    suppression = {"kind": "external", "justification": finding.accepted}
    return {
        "ruleId": finding.id,
        "ruleIndex": rules.index(finding.id),
        "level": level_of(finding),
        "message": {
            "text": f"{finding.package} {finding.version}: {finding.summary[:500]} ({fixed})"
        },
        "locations": [{"physicalLocation": place}],
        "suppressions": [suppression] if finding.accepted else [],
    }


def sarif(answer: dict[str, Any], found: list[Finding]) -> dict[str, Any]:
    """Write SARIF 2.1.0; a run that could not be made says that it was not successful."""
    rules = {each.id: rule_of(each) for each in found}
    invocation: dict[str, Any] = {"executionSuccessful": not answer["reason"]}
    if answer["reason"]:
        notice = {"level": "error", "message": {"text": f"not made: {answer['reason']}"}}
        invocation["toolExecutionNotifications"] = [notice]
    run = {
        "tool": {"driver": {"name": answer["tool"], "rules": list(rules.values())}},
        "invocations": [invocation],
        "results": [result_of(each, list(rules)) for each in found],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return {"$schema": schema, "version": "2.1.0", "runs": [run]}


def main(answer_file: Path, exceptions_file: Path, today: str, path: str, reports: Path) -> int:
    """Judge, tell, write the reports."""
    answer = json.loads(answer_file.read_text(encoding="utf-8"))
    exceptions = json.loads(exceptions_file.read_text(encoding="utf-8"))
    found = findings_of(answer, exceptions, today, path)
    made = not answer["reason"]
    record = {
        "version": 1,
        **{key: answer[key] for key in ("tool", "reason", "packages")},
        "made": made,
        "findings": [{**asdict(each), "failing": each.failing} for each in found],
    }
    reports.mkdir(parents=True, exist_ok=True)
    for name, document in (("audit.json", record), ("audit.sarif", sarif(answer, found))):
        (reports / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(told(answer, found))
    if any(each.failing for each in found):
        return FOUND
    return MADE if made else NOT_MADE


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.stderr.write("usage: judge.py ANSWER EXCEPTIONS TODAY PATH REPORTS\n")
        sys.exit(DEFECT)
    try:
        given, accepted_ones, day, folder, where = sys.argv[1:]
        sys.exit(main(Path(given), Path(accepted_ones), day, folder, Path(where)))
    except Exception as error:  # noqa: BLE001  a traceback ends with 1, like findings
        sys.stderr.write(f"the judgement itself failed: {error!r}\n")
        sys.exit(DEFECT)
