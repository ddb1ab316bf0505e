"""Lint a Dockerfile with hadolint: lint_dockerfile.py DOCKERFILE SARIF.

Ends with 0 when no rule of level warning or error was broken, with 1 when one was (a Dockerfile that
cannot be parsed breaks DL1000), and with 2 when hadolint could not look. `# hadolint ignore=DL3007`
before an instruction accepts what is found there.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LEFT_OUT = {
    "DL3008": "Debian's archive keeps one version of a package: a pinned one is gone after its next fix",
}
FAILING = ("error", "warning")


def help_of(rule: str) -> str:
    """Give the address of a rule's explanation."""
    if rule.startswith("SC"):
        return f"https://www.shellcheck.net/wiki/{rule}"
    return f"https://github.com/hadolint/hadolint/wiki/{rule}"


def shown(found: dict[str, Any], lines: list[str]) -> str:
    """Write one finding for people: place, level, rule, words, code, help."""
    place = found["locations"][0]["physicalLocation"]
    line = place["region"]["startLine"]
    code = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return (
        f"{place['artifactLocation']['uri']}:{line}  {found['level']}  {found['ruleId']}\n"
        f"    {found['message']['text'].strip()}\n    > {code}\n    {help_of(found['ruleId'])}\n"
    )


def main(dockerfile: str, report: Path) -> int:
    """Lint, tell, judge."""
    left_out = [word for rule in LEFT_OUT for word in ("--ignore", rule)]
    done = subprocess.run(
        ["hadolint", "--no-fail", "--no-color", "--format", "sarif", *left_out, dockerfile],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip() or f"exit code {done.returncode}, and not a word"
        sys.stdout.write(f"hadolint could not look: {said.splitlines()[0]}\n")
        return 2
    document = json.loads(done.stdout)
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    found = document["runs"][0]["results"]
    lines = Path(dockerfile).read_text(encoding="utf-8").splitlines()
    sys.stdout.writelines(shown(each, lines) for each in found)
    failing = sum(each["level"] in FAILING for each in found)
    sys.stdout.write(f"{dockerfile}: {failing} warnings and errors, {len(found) - failing} notes\n")
    return 1 if failing else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.stderr.write("usage: lint_dockerfile.py DOCKERFILE SARIF\n")
        sys.exit(2)
    try:
        sys.exit(main(sys.argv[1], Path(sys.argv[2])))
    except Exception as error:  # noqa: BLE001  a traceback ends with 1, like findings
        sys.stderr.write(f"the linter itself failed: {error!r}\n")
        sys.exit(2)
