"""Small images and folders, and the real Trivy over them."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.programs import pack
from tests.pipelines.programs.debian import PROGRAMS

DEBIAN = {
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    "etc/debian_version": "12.15\n",
}


def status(name: str, version: str, source: str = "") -> dict[str, str]:
    """Describe a package the way unpack.sh leaves it in an image."""
    control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n"
    control += f"Source: {source}\n" if source else ""
    return {f"var/lib/dpkg/status.d/{name}": control + "Maintainer: N <n@example.com>\n"}


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def layout(
    folder: Path, files: dict[str, str], *, layer: str = "layer", **settings: object
) -> Path:
    """Pack files into an image of one layer; `settings` stand in its configuration."""
    pack.write_layer(write(folder / "root", files), folder / layer, "")
    config = {
        "created": "1970-01-01T00:00:00Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {"User": "10001:10001", "Healthcheck": {"Test": ["CMD", "true"]}, **settings},
        "annotations": {},
    }
    pack.write_image(config, [folder / layer], folder / "layout")
    return folder / "layout"


@dataclass
class Scanner:
    """scan.sh with the real Trivy; `cache` may hold a database, reports go to `out`."""

    trivy: Path
    cache: Path
    out: Path

    def __call__(self, mode: str, target: Path, exceptions: str = "") -> tuple[int, str]:
        """Scan; return the exit code and what was told."""
        command = ["sh", PROGRAMS / "scan.sh", mode, target, "scan", self.cache, self.out]
        if exceptions:
            self.out.mkdir(parents=True, exist_ok=True)
            path = self.out.parent / "exceptions.yaml"
            path.write_text(exceptions)
            command.append(path)
        done = subprocess.run(
            command,
            env={**os.environ, "PATH": f"{self.trivy}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def report(self) -> dict[str, Any]:
        """Read Trivy's report of the last scan."""
        report: dict[str, Any] = json.loads((self.out / "scan.json").read_text())
        return report

    def sarif(self) -> list[dict[str, Any]]:
        """Read the results in SARIF of the last scan."""
        document = json.loads((self.out / "scan.sarif").read_text())
        results: list[dict[str, Any]] = document["runs"][0]["results"]
        return results

    def vulnerabilities(self) -> dict[str, str]:
        """Give the vulnerabilities of the last scan and where they are fixed."""
        return {
            found["VulnerabilityID"]: found.get("FixedVersion", "")
            for result in self.report().get("Results", [])
            for found in result.get("Vulnerabilities", [])
        }
