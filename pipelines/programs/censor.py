"""Take the text out of a Trivy report, and check that the database covered what was scanned.

Usage: censor.py REPORT OUT [COVERAGE]

Trivy hides a secret where it found it, and shows it elsewhere: the lines around it, the line that a misconfiguration is in, the
variables and the history of an image. So only where something was found goes on, not the text that it was found in.
COVERAGE is what advisories/database.py writes; a package that it does not name was not looked for, which Trivy takes for clean.
Ends with 3 then, and says which; with 4 when the image names no distribution at all, of which no database could tell.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HIDDEN = "(not shown)"
NOT_COVERED = 3
NO_DISTRIBUTION = 4
_NAMELESS = "Vulnerabilities NOT looked for: the image names no distribution, so there are no packages to look up."
_IMAGE_FACTS = ("architecture", "os", "created", "rootfs")


def censor(report: dict[str, Any]) -> None:
    """Remove from a report what may hold a secret, and order it: Trivy's own order changes from run to run."""
    metadata = report.get("Metadata", {})
    if "ImageConfig" in metadata:
        config = metadata["ImageConfig"]
        metadata["ImageConfig"] = {key: config[key] for key in _IMAGE_FACTS if key in config}
    report.get("Results", []).sort(key=lambda result: (result.get("Class", ""), result["Target"]))
    for result in report.get("Results", []):
        result.pop("Packages", None)
        result.get("Secrets", []).sort(key=lambda secret: (secret["StartLine"], secret["RuleID"]))
        for secret in result.get("Secrets", []):
            secret["Match"] = HIDDEN
            _hide_lines(secret)
        for misconfiguration in result.get("Misconfigurations", []):
            _hide_lines(misconfiguration.get("CauseMetadata", {}))
        for kind in ("Secrets", "Misconfigurations", "Vulnerabilities"):
            for finding in result.get(kind, []):
                finding.get("Layer", {}).pop("CreatedBy", None)


def _hide_lines(finding: dict[str, Any]) -> None:
    code = finding.get("Code", {})
    causes = [line for line in code.get("Lines") or [] if line["IsCause"]]
    for line in causes:
        line.update(Content=HIDDEN, Highlighted=HIDDEN)
    if causes:
        causes[0]["FirstCause"] = causes[-1]["LastCause"] = True
    code["Lines"] = causes


def not_covered(report: dict[str, Any], coverage: dict[str, Any]) -> Iterator[str]:
    """Say in sentences what of the scanned image the database knows nothing about."""
    system = report["Metadata"]["OS"]
    found = f"{system['Family']} {system['Name'].partition('.')[0]}"
    results = [each for each in report.get("Results", []) if each.get("Class") == "os-pkgs"]
    sources = {
        package.get("SrcName") or package["Name"]
        for result in results
        for package in result.get("Packages", [])
    }
    platform = coverage["platform"]
    if found != platform:
        yield (
            f"Vulnerabilities NOT looked for: the image is of {found}, the database of {platform}."
            " Scan it where Trivy's own database can be reached."
        )
        return
    missing = sorted(sources - {*coverage["sources"], *coverage["unknown"]})
    if missing:
        yield (
            f"Vulnerabilities NOT looked for: the database was made without {', '.join(missing)}."
            " It has to be made for the packages of this image."
        )


def main(arguments: list[str]) -> int:
    """Censor one report; the original stays as it is."""
    source, target, *covers = map(Path, arguments)
    report = json.loads(source.read_bytes())
    code = 0
    problems: list[str] = []
    for path in filter(Path.is_file, covers):
        if "OS" in report.get("Metadata", {}):
            problems += not_covered(report, json.loads(path.read_bytes()))
            code = NOT_COVERED if problems else 0
        else:
            code, problems = NO_DISTRIBUTION, [_NAMELESS]
    censor(report)
    target.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for problem in problems:
        sys.stdout.write(problem + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
