"""Ask PyPI for advisories with pip-audit: ask_pip.py FOLDER ANSWER.

FOLDER holds requirements.txt and perhaps requirements-dev.txt, with hashes. pip-audit passes over
packages that PyPI's API does not know and then calls the rest clean, even if the rest is nothing. So
a package that certainly has advisories is asked about as well: who does not know those gives none.

Ends with 0 when ANSWER was written, also when it says why there is none, and with 2 on wrong usage.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PRODUCTION, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
SECONDS = 120
PATIENCE_SECONDS = int(os.environ.get("AUDIT_PATIENCE_SECONDS", "10"))
"""For one answer of the server; a package takes one question."""
CANARY = ("pycrypto", "2.6.1")
"""Abandoned in 2013, with two advisories that nobody will fix, and nobody's dependency any more."""
_HASH = "f2ce1e989b272cfcb677616763e0a2e7ec659effa67a88aa92b3a65528f60a3c"
_PIN = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*([^\s;\\]+)")


def normal(name: str) -> str:
    """Write a package's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, tuple[str, int]]:
    """Find what a requirements file pins: name -> version and line."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if pin := _PIN.match(line):
            found[normal(pin[1])] = (pin[2], number)
    return found


def ask(files: list[Path]) -> tuple[dict[str, Any] | None, str]:
    """Run pip-audit; give its answer, or None and the reason."""
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary.txt"
        canary.write_text(f"{CANARY[0]}=={CANARY[1]} --hash=sha256:{_HASH}\n", encoding="utf-8")
        command = ["pip-audit", "--require-hashes", "--disable-pip", "--format=json"]
        command += ["--progress-spinner=off", f"--timeout={PATIENCE_SECONDS}", "--desc=on"]
        command += ["--aliases=on", f"--cache-dir={folder}/cache"]
        command += [f"--requirement={path}" for path in (canary, *files)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            return None, f"pip-audit had no answer within {SECONDS} seconds"
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        return None, cause(done.stderr) or f"pip-audit ended with exit code {done.returncode}"
    return answer, ""


def cause(errors: str) -> str:
    """Take the cause out of what pip-audit wrote: the last line that names an error and says something."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    said = (line for line in reversed(lines) if re.match(r"(ERROR:\S+:|[\w.]*Error: )\s*\S", line))
    return re.sub(r"^ERROR:[\w.]+:", "", next(said, lines[-1] if lines else ""))


def fault(dependencies: list[dict[str, Any]], pinned: int) -> str:
    """Say why an answer is none; empty when it is one."""
    canary = next((each for each in dependencies if normal(each["name"]) == CANARY[0]), {})
    if not canary.get("vulns"):
        told = canary.get("skip_reason", "no advisory")
        return (
            f"PyPI gives no advisories here: of {' '.join(CANARY)}, which has some, it says: {told}"
        )
    skipped = [each for each in dependencies if "skip_reason" in each]
    if skipped:
        more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
        return f"not every package could be asked about: {skipped[0]['skip_reason']}{more}"
    return "" if pinned else f"{PRODUCTION} pins nothing"


def findings(
    dependencies: list[dict[str, Any]], locks: dict[str, dict[str, tuple[str, int]]]
) -> list[dict[str, Any]]:
    """Give every advisory about a package of the locks; PyPI tells no severities."""
    found = []
    for each in dependencies:
        name = normal(each["name"])
        file = next((file for file, lock in locks.items() if name in lock), "")
        if not file:
            continue
        for advisory in each.get("vulns", []):
            ids = [advisory["id"], *advisory["aliases"]]
            best = next(
                (one for prefix in ("CVE-", "GHSA-") for one in ids if one.startswith(prefix)),
                ids[0],
            )
            found.append(
                {
                    "package": name,
                    "version": each["version"],
                    "id": best,
                    "aliases": sorted(set(ids) - {best}),
                    "severity": "unknown",
                    "fixed": ", ".join(advisory["fix_versions"]),
                    "summary": advisory["description"],
                    "url": f"https://osv.dev/vulnerability/{advisory['id']}",
                    "development": file == DEVELOPMENT,
                    "file": file,
                    "line": locks[file][name][1],
                }
            )
    return found


def main(folder: Path, answer: Path) -> int:
    """Ask, and write down what was told."""
    files = [folder / name for name in (PRODUCTION, DEVELOPMENT) if (folder / name).is_file()]
    if not files or files[0].name != PRODUCTION:
        sys.stderr.write(f"there is no {PRODUCTION}\n")
        return 2
    locks = {path.name: pins(path.read_text(encoding="utf-8")) for path in files}
    told, reason = ask(files)
    dependencies = told["dependencies"] if told else []
    packages = len({name for lock in locks.values() for name in lock})
    answer.write_text(
        json.dumps(
            {
                "tool": "pip-audit",
                "reason": reason or fault(dependencies, packages),
                "packages": packages,
                "findings": findings(dependencies, locks),
            }
        ),
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.stderr.write("usage: ask_pip.py FOLDER ANSWER\n")
        sys.exit(2)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
