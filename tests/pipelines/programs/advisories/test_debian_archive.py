"""The archive as it is today: a package that it has in two versions is found in the older one, and clean in the newer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.programs.advisories import archive
from pipelines.programs.advisories.version import less
from tests.pipelines.programs.debian import PROGRAMS
from tests.pipelines.programs.scanned import DEBIAN, Scanner, layout, status

CANDIDATES = ["libssl3", "libexpat1", "liblzma5", "libpython3.11-minimal", "nginx", "libxml2"]


def versions(name: str) -> list[str]:
    """Give the versions that the archive offers, newest first."""
    command = ["apt-cache", "madison", name]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return list(dict.fromkeys(line.split("|")[1].strip() for line in told.splitlines()))


def two_versions() -> Iterator[tuple[str, str, str]]:
    """Find packages whose newest version is of the security suite, with an older one beside it."""
    for name in CANDIDATES:
        offered = versions(name)
        if len(offered) > 1 and less(offered[1], offered[0]):
            yield name, offered[1], offered[0]


@pytest.fixture(scope="module", autouse=True)
def _lists() -> None:
    """Go by the lists that this machine has."""
    try:
        archive.release()
    except (archive.ArchiveError, OSError) as error:
        pytest.skip(f"this machine's apt does not know Debian's security suite: {error}")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database for all of the packages."""
    out = tmp_path_factory.mktemp("database")
    made = subprocess.run(
        [sys.executable, "-m", "advisories", "--out", out, *CANDIDATES],
        env={**os.environ, "PYTHONPATH": str(PROGRAMS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["unknown"] == []
    return out


def test_an_older_version_that_the_archive_still_has_is_found(
    trivy: Path, database: Path, tmp_path: Path
) -> None:
    found = 0
    sources = archive.newest(CANDIDATES)
    for name, older, newest in two_versions():
        scan = Scanner(trivy, database, tmp_path / name / "reports")
        for version in (older, newest):
            files = {**DEBIAN, **status(name, version, sources[name].source)}
            code, told = scan("image", layout(tmp_path / f"{name}-{version}", files))
            if version == newest:
                assert code == 0, told
            elif code == 1:
                assert all(name.startswith(("CVE-", "TEMP-")) for name in scan.vulnerabilities())
                assert not any(less(newest, fix) for fix in scan.vulnerabilities().values())
                found += 1
    assert found, "none of the packages has a security fix above another version in the archive"
