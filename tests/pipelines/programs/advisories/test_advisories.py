"""The command as the builder runs it: apt, dpkg and Trivy are the real ones, the archive is made here."""

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.programs.advisories.bolt_reader import read
from tests.pipelines.programs.debian import PROGRAMS, Archive, changelog
from tests.pipelines.programs.scanned import DEBIAN, Scanner, layout, status, write

TOOLS = changelog(
    "tools",
    ("1:2.0-1+deb12u2", "  * CVE-2026-0002: no way in any more"),
    ("1:2.0-1+deb12u1", "  * CVE-2026-0001: a way in"),
    ("1:2.0-1", "  * New."),
)
ENDED = "gone   2.0   2026-06-12   nobody mends it\n"
LIMITED = "partly   Only for content that is trusted\n"


@dataclass
class Maker:
    """An archive, and the command over it."""

    archive: Archive
    out: Path

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Make a database."""
        return subprocess.run(
            [sys.executable, "-m", "advisories", "--out", self.out, *arguments],
            env={**self.archive.environment, "PYTHONPATH": str(PROGRAMS)},
            capture_output=True,
            text=True,
            check=False,
        )

    def coverage(self, *arguments: str | Path) -> dict[str, Any]:
        """Make a database; give what it covers."""
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        coverage: dict[str, Any] = json.loads(done.stdout)
        assert coverage == json.loads((self.out / "coverage.json").read_text())
        return coverage

    def advisories(self) -> dict[str, dict[str, str]]:
        """Read the fixed versions in the database, by source and vulnerability."""
        return {
            source.decode(): {
                name.decode(): json.loads(advisory).get("FixedVersion", "")
                for name, advisory in found.items()
            }
            for source, found in read((self.out / "db/trivy.db").read_bytes())[b"debian 12"].items()
        }


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Make an archive; libtool2 has the changelog of the source that tool is built of, too."""
    made = Archive(tmp_path / "archive")
    made.add("tool", "1:2.0-1", {"usr/bin/tool": "x" * 9}, source="tools")
    made.add("tool", "1:2.0-1+deb12u2", source="tools", links={"usr/share/doc/tool": "libtool2"})
    made.add(
        "libtool2",
        "1:2.0-1+deb12u2",
        {"usr/lib/libtool": "x" * 99},
        source="tools",
        changelog=TOOLS,
    )
    return made


@pytest.fixture
def make(archive: Archive, tmp_path: Path) -> Maker:
    """Give the command over the archive."""
    archive.update()
    return Maker(archive, tmp_path / "cache")


def test_the_fixes_of_a_source_come_from_any_of_its_packages(make: Maker) -> None:
    for packages in (["tool", "libtool2"], ["libtool2"], ["tool"], ["tool=1:2.0-1"]):
        coverage = make.coverage(*packages)
        assert (coverage["sources"], coverage["unknown"]) == (["tools"], [])
        assert make.advisories() == {
            "tools": {"CVE-2026-0001": "1:2.0-1+deb12u1", "CVE-2026-0002": "1:2.0-1+deb12u2"}
        }


def test_the_database_is_of_the_day_of_the_security_suite(make: Maker) -> None:
    assert make.coverage("tool")["date"] == "2026-11-24"
    assert json.loads((make.out / "db/metadata.json").read_text()) == {
        "Version": 2,
        "UpdatedAt": "2026-11-24T00:34:33Z",
        "NextUpdate": "2026-12-01T00:34:33Z",
        "DownloadedAt": "2026-11-24T00:34:33Z",
    }


def test_the_same_archive_gives_the_same_bytes(make: Maker, tmp_path: Path) -> None:
    make("tool", "libtool2")
    first = (make.out / "db/trivy.db").read_bytes()
    Maker(make.archive, tmp_path / "again")("libtool2", "tool")
    assert (tmp_path / "again/db/trivy.db").read_bytes() == first


@pytest.mark.parametrize("kind", ["changelog.gz", "changelog.Debian.gz"])
def test_a_package_that_exists_in_debian_only_has_its_changelog_elsewhere(
    archive: Archive, tmp_path: Path, kind: str
) -> None:
    text = changelog("native", ("2", "  * CVE-2026-0003"))
    files = {f"usr/share/doc/native/{kind}": gzip.compress(text.encode())}
    archive.add("native", "2", {**files})
    archive.update()
    make = Maker(archive, tmp_path / "cache")
    make.coverage("native")
    assert make.advisories() == {"native": {"CVE-2026-0003": "2"}}


def test_what_the_archive_does_not_know_is_named(archive: Archive, tmp_path: Path) -> None:
    archive.add("silent", "1", source="silence")
    archive.update()
    coverage = Maker(archive, tmp_path / "cache").coverage("tool", "nonesuch", "silent")
    assert coverage["unknown"] == ["nonesuch", "silence"]
    assert coverage["sources"] == ["tools"]


@pytest.mark.parametrize("place", ["var/lib/dpkg/status", "var/lib/dpkg/status.d/tool"])
def test_what_an_image_holds_is_looked_up_like_what_is_named(
    make: Maker, tmp_path: Path, place: str
) -> None:
    state = "Status: install ok installed\n" if place.endswith("status") else ""
    gone = "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n" if state else ""
    text = f"{gone}Package: tool\n{state}Source: tools (1:2.0-1)\nVersion: 1:2.0-1+b1\n"
    coverage = make.coverage("--installed", write(tmp_path / "root", {place: text}))
    assert (coverage["sources"], coverage["unknown"]) == (["tools"], [])


def test_the_source_of_an_installed_package_that_is_gone_is_unknown(
    make: Maker, tmp_path: Path
) -> None:
    root = write(tmp_path / "root", status("libold1", "1", "old (0.9)"))
    assert make.coverage("--installed", root, "tool")["unknown"] == ["libold1", "old"]


def test_a_root_without_packages_adds_none(make: Maker, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    assert make.coverage("--installed", tmp_path / "root", "tool")["sources"] == ["tools"]


def test_support_that_ended_or_is_limited_is_told(archive: Archive, tmp_path: Path) -> None:
    folder = "usr/share/debian-security-support/security-support-"
    archive.add(
        "debian-security-support", "1", {f"{folder}ended.deb12": ENDED, f"{folder}limited": LIMITED}
    )
    for name in ("gone", "partly"):
        archive.add(name, "1.0", changelog=changelog(name, ("1.0", "  * New.")))
    archive.update()
    make = Maker(archive, tmp_path / "cache")
    coverage = make.coverage("gone", "partly", "tool")
    assert (coverage["ended"], coverage["limited"]) == (["gone"], ["partly"])
    assert make.advisories()["gone"] == {"DEBIAN-ENDED-gone": ""}


def test_lists_that_name_what_is_gone_are_fetched_anew(make: Maker) -> None:
    (make.archive.folder / "pool/libtool2_1%3a2.0-1+deb12u2_all.deb").unlink()
    newer = changelog("tools", ("1:2.0-1+deb12u3", "  * CVE-2026-0009"))
    make.archive.add("libtool2", "1:2.0-1+deb12u3", source="tools", changelog=newer)
    make.archive.publish()
    make.coverage("libtool2")
    assert make.advisories() == {"tools": {"CVE-2026-0009": "1:2.0-1+deb12u3"}}


def test_an_archive_that_cannot_be_had_ends_it_with_the_cause(make: Maker) -> None:
    for package in (make.archive.folder / "pool").glob("*.deb"):
        package.unlink()
    done = make("tool")
    assert done.returncode == 1
    assert done.stderr.startswith("advisories: apt-get download: ")
    assert not make.out.exists()


def test_lists_without_the_security_suite_are_not_enough(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive", label="Debian")
    archive.add("tool", changelog=TOOLS)
    archive.update()
    done = Maker(archive, tmp_path / "cache")("tool")
    assert done.returncode == 1
    assert "no list of a suite labelled Debian-Security" in done.stderr
    assert done.stderr.rstrip().endswith("run: apt-get update")


def test_no_lists_at_all_are_told(make: Maker) -> None:
    done = make("nonesuch")
    assert done.returncode == 1
    assert "apt knows none of the packages" in done.stderr


def test_a_package_that_is_damaged_ends_it(archive: Archive, tmp_path: Path) -> None:
    broken: dict[str, str | bytes] = {"usr/share/doc/broken/changelog.Debian.gz": b"no gzip"}
    archive.add("broken", "1", broken)
    archive.update()
    done = Maker(archive, tmp_path / "cache")("broken")
    assert done.returncode == 1
    assert "the changelog in broken_1_all.deb cannot be read" in done.stderr


class TestTrivy:
    """What Trivy makes of such a database."""

    @pytest.fixture
    def scan(self, make: Maker, scan: Scanner) -> Scanner:
        """Give a scanner with the database of the archive above."""
        make.coverage("tool", "libtool2")
        return scan

    @pytest.mark.parametrize(
        ("version", "source", "found"),
        [
            ("1:2.0-1", "tools", ["CVE-2026-0001", "CVE-2026-0002"]),
            ("1:2.0-1+b7", "tools (1:2.0-1)", ["CVE-2026-0001", "CVE-2026-0002"]),
            ("1:2.0-1+deb12u1", "tools", ["CVE-2026-0002"]),
            ("1:2.0-1+deb12u2", "tools", []),
            ("9.0-1", "tools", ["CVE-2026-0001", "CVE-2026-0002"]),
            ("2:1.0-1", "tools", []),
        ],
    )
    def test_an_image_has_what_was_fixed_after_its_version(
        self, scan: Scanner, tmp_path: Path, version: str, source: str, found: list[str]
    ) -> None:
        code, told = scan("image", layout(tmp_path, {**DEBIAN, **status("tool", version, source)}))
        assert code == (1 if found else 0), told
        assert sorted(scan.vulnerabilities()) == found
        assert all(name in told for name in found)
        assert sorted(each["ruleId"] for each in scan.sarif()) == found

    def test_a_finding_tells_words_fix_and_where_it_is_from(
        self, scan: Scanner, tmp_path: Path
    ) -> None:
        image = layout(tmp_path, {**DEBIAN, **status("tool", "1:2.0-1+deb12u1", "tools")})
        told = scan("image", image)[1]
        assert "no way in any more" in told
        results = scan.report()["Results"]
        (found,) = [found for each in results for found in each.get("Vulnerabilities", [])]
        assert found["FixedVersion"] == "1:2.0-1+deb12u2"
        assert found["Severity"] == "UNKNOWN"
        assert found["DataSource"]["ID"] == "debian-archive"

    def test_a_vulnerability_can_be_accepted_for_a_while(
        self, scan: Scanner, tmp_path: Path
    ) -> None:
        image = layout(tmp_path, {**DEBIAN, **status("tool", "1:2.0-1+deb12u1", "tools")})
        entry = "{id: CVE-2026-0002, statement: planted, expired_at: 2999-01-01}"
        assert scan("image", image, f"vulnerabilities:\n  - {entry}\n")[0] == 0

    def test_a_package_that_the_database_was_made_without_could_not_be_looked_at(
        self, scan: Scanner, tmp_path: Path
    ) -> None:
        files = {**DEBIAN, **status("tool", "9:9", "tools"), **status("libx1", "1", "x")}
        code, told = scan("image", layout(tmp_path, files))
        assert code == 3
        assert "NOT looked for: the database was made without x." in told.splitlines()[-1]

    @pytest.mark.parametrize(
        ("release", "system"),
        [
            (
                {
                    "etc/os-release": "ID=alpine\nVERSION_ID=3.20.2\n",
                    "etc/alpine-release": "3.20.2\n",
                },
                "alpine 3",
            ),
            (
                {"etc/os-release": "ID=debian\nVERSION_ID=13\n", "etc/debian_version": "13.1\n"},
                "debian 13",
            ),
        ],
    )
    def test_an_image_of_another_system_could_not_be_looked_at(
        self, scan: Scanner, tmp_path: Path, release: dict[str, str], system: str
    ) -> None:
        code, told = scan("image", layout(tmp_path, release))
        assert code == 3
        assert f"NOT looked for: the image is of {system}, the database of debian 12" in told

    def test_an_image_that_names_no_distribution_has_nothing_to_look_up(
        self, scan: Scanner, tmp_path: Path
    ) -> None:
        code, told = scan("image", layout(tmp_path, {"app/x": "x"}))
        assert code == 4
        assert "NOT looked for: the image names no distribution" in told.splitlines()[-1]

    def test_findings_weigh_more_than_what_could_not_be_looked_at(
        self, scan: Scanner, tmp_path: Path
    ) -> None:
        code, told = scan("image", layout(tmp_path, {"app/x": "x"}, User=""))
        assert code == 1
        assert "NOT looked for: the image names no distribution" in told

    def test_a_package_whose_support_ended_fails(
        self, archive: Archive, scan: Scanner, tmp_path: Path
    ) -> None:
        path = "usr/share/debian-security-support/security-support-ended.deb12"
        archive.add("debian-security-support", "1", {path: ENDED})
        archive.add("gone", "1.0", changelog=changelog("gone", ("1.0", "  * New.")))
        archive.update()
        Maker(archive, tmp_path / "cache").coverage("gone")
        code, told = scan("image", layout(tmp_path, {**DEBIAN, **status("gone", "1.0")}))
        assert code == 1
        assert "DEBIAN-ENDED-gone" in told
        assert "Debian ended its security support of gone on" in " ".join(told.split())
