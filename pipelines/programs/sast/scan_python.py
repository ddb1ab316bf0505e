"""Look for weaknesses in Python with bandit: scan_python.py FOLDER SARIF.

FOLDER is below the working directory, whose paths the report names. Ends with 0 when nothing grave
was found, with 1 when something of medium severity or above was, and with 2 when bandit could not
look: it passes over a file that it cannot parse, and such a file is not clean. A finding is accepted
by bandit's own comment, `# nosec B602`, on its line. A password in the code is told by its place,
neither by its value nor by the line that it stands in: whoever reads a report must not learn it.
"""

import json
import linecache
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

NOTED = {
    "B104": "a server in a container listens on all addresses; network policies say who reaches it",
    "B108": "a container's /tmp is its own: there is no other user who could lay a trap there",
}
"""Rules that bandit holds for grave and a service in a container need not: told, but no failure."""
SECRETS = ("B105", "B106", "B107")
"""Rules that quote the password that they find."""
HIDDEN = "(not shown)"
SEVERITY = {"error": "high", "warning": "medium", "note": "low"}
GRAVE = ("error", "warning")


def bandit(folder: str, report: Path) -> str:
    """Run bandit; return why it could not look, empty when it did."""
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [
            *("bandit", "--quiet", "--recursive", folder),
            *("--format", "sarif", "--output", str(report)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode in (0, 1) and report.is_file():
        return ""
    return (done.stdout + done.stderr).strip() or f"bandit ended with exit code {done.returncode}"


def level_of(found: dict[str, Any]) -> str:
    """Give a finding's level; SARIF leaves out the one that it calls usual."""
    return str(found.get("level", "warning"))


def place_of(found: dict[str, Any]) -> tuple[str, int, int]:
    """Give file, line and column of a finding or notice."""
    place = found["locations"][0]["physicalLocation"]
    region = place.get("region", {})
    return (
        place["artifactLocation"]["uri"],
        region.get("startLine", 1),
        region.get("startColumn", 1),
    )


def censor(found: list[dict[str, Any]]) -> None:
    """Hide passwords: their words, the lines that they stand in, and what surrounds any finding."""
    secret: set[tuple[str, int]] = set()
    for each in found:
        if each["ruleId"] in SECRETS:
            file, first, _ = place_of(each)
            last = each["locations"][0]["physicalLocation"]["region"].get("endLine", first)
            secret.update((file, line) for line in range(first, last + 1))
            words = each["message"]["text"].partition(":")[0]
            each["message"] = {"text": f"{words}: {HIDDEN}"}
    for each in found:
        file, line, _ = place_of(each)
        hidden = (file, line) in secret
        # bandit's own snippet of a call over several lines is of another place, maybe a password's
        code = HIDDEN if hidden else linecache.getline(unquote(file), line)
        place = each["locations"][0]["physicalLocation"]
        place.pop("contextRegion", None)
        place["region"]["snippet"] = {"text": code}


def shown(found: dict[str, Any], rules: dict[str, dict[str, Any]]) -> str:
    """Write one finding for people: place, severity, weakness, words, code, help."""
    file, line, column = place_of(found)
    rule = rules[found["ruleId"]]
    weakness = next(
        (tag.rpartition("/")[2].upper() for tag in rule["properties"]["tags"] if "cwe" in tag), ""
    )
    region = found["locations"][0]["physicalLocation"]["region"]
    code = region["snippet"]["text"].strip()
    return (
        f"{file}:{line}:{column}  {SEVERITY[level_of(found)]}  {rule['id']} {rule['name']} ({weakness})\n"
        f"    {found['message']['text']}\n    > {code}\n    {rule['helpUri']}\n"
    )


def main(folder: str, report: Path) -> int:
    """Scan, tell, judge."""
    failure = bandit(folder, report)
    if failure:
        sys.stdout.write(f"the analysis itself failed: {failure}\n")
        return 2
    document = json.loads(report.read_text(encoding="utf-8"))
    (run,) = document["runs"]
    metrics = run["properties"]["metrics"]
    files = len(metrics) - 1  # one entry holds the totals
    rules = {rule["id"]: rule for rule in run["tool"]["driver"].get("rules", [])}
    found = sorted(run.get("results", []), key=place_of)
    for each in found:
        if each["ruleId"] in NOTED:
            each["level"] = "note"
    censor(found)
    report.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    grave = sum(level_of(each) in GRAVE for each in found)
    sys.stdout.writelines(shown(each, rules) for each in found)
    accepted = metrics["_totals"]["nosec"] + metrics["_totals"]["skipped_tests"]
    sys.stdout.write(
        f"{files} files: {grave} findings of medium severity or above, {len(found) - grave} below,"
        f" {accepted} accepted in the code\n"
    )
    broken = run["invocations"][0].get("toolConfigurationNotifications", [])
    if broken or files == 0:
        sys.stdout.write("These could not be read, so they were not judged:\n" if broken else "")
        for notice in broken:
            sys.stdout.write(f"{place_of(notice)[0]}: {notice['message']['text']}\n")
        sys.stdout.write("" if broken else f"there is no Python file in {folder}\n")
        return 2
    return 1 if grave else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.stderr.write("usage: scan_python.py FOLDER SARIF\n")
        sys.exit(2)
    try:
        sys.exit(main(sys.argv[1], Path(sys.argv[2])))
    except Exception as error:  # noqa: BLE001  a traceback ends with 1, like findings
        sys.stderr.write(f"the analysis itself failed: {error!r}\n")
        sys.exit(2)
