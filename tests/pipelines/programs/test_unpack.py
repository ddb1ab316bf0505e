"""unpack.sh: the root of an image, from packages made here and fetched by the real apt."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.pipelines.programs.debian import PROGRAMS, Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Make an archive that has a tool in two versions."""
    made = Archive(tmp_path / "archive")
    release = {"etc/debian_version": "12.9\n", "usr/lib/os-release": "ID=debian\n"}
    others = {"etc/issue": "Debian\n", "usr/share/base-files/motd": "welcome\n"}
    link = {"etc/os-release": "../usr/lib/os-release"}
    made.add("base-files", "12.4", {**release, **others}, links=link)
    for version in ("1.0", "2.0"):
        files: dict[str, str | bytes] = {
            "usr/bin/tool": version,
            "usr/share/doc/tool/copyright": "-",
        }
        made.add("tool", version, files, source="tools (3)")
    made.update()
    return made


def unpack(archive: Archive, *packages: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Unpack packages of the archive; give the root and what was told."""
    folder = archive.folder / "programs"
    folder.mkdir(exist_ok=True)
    for program in ("unpack.sh", "again.sh"):
        (folder / program).write_text((PROGRAMS / program).read_text())
        (folder / program).chmod(0o755)
    root = archive.folder / f"root-{len(list(archive.folder.glob('root-*')))}"
    done = subprocess.run(
        [folder / "unpack.sh", root, *packages],
        env=archive.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return root, done


def files(root: Path) -> dict[str, str]:
    """Give everything that is no folder, with its digest."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if not path.is_dir()
    }


def test_the_root_holds_the_packages_the_release_and_nothing_else(archive: Archive) -> None:
    root, done = unpack(archive, "tool")
    assert done.returncode == 0, done.stderr
    assert set(files(root)) == {
        "etc/debian_version",
        "etc/group",
        "etc/os-release",
        "etc/passwd",
        "usr/bin/tool",
        "usr/lib/os-release",
        "var/lib/dpkg/status.d/base-files",
        "var/lib/dpkg/status.d/tool",
    }
    assert (root / "etc/os-release").read_text() == "ID=debian\n"
    assert "Version: 2.0" in (root / "var/lib/dpkg/status.d/tool").read_text()


def test_a_package_that_cannot_be_had_ends_it(archive: Archive) -> None:
    root, done = unpack(archive, "nonesuch")
    assert done.returncode == 1
    assert "the archive has no package nonesuch" in done.stderr
    assert not (root / "var").exists()


def test_a_version_that_is_named_is_the_one_that_is_taken(archive: Archive) -> None:
    root, done = unpack(archive, "tool=1.0")
    assert done.returncode == 0, done.stderr
    assert "tool 1.0" in done.stdout.splitlines()
    assert (root / "usr/bin/tool").read_text() == "1.0"
    assert "Version: 1.0" in (root / "var/lib/dpkg/status.d/tool").read_text()


def test_the_same_packages_make_the_same_root(archive: Archive) -> None:
    assert files(unpack(archive, "tool=1.0")[0]) == files(unpack(archive, "tool=1.0")[0])


def test_a_version_that_is_gone_is_told_with_those_there_are(archive: Archive) -> None:
    root, done = unpack(archive, "tool=0.9")
    assert done.returncode == 1
    assert "does not have tool in version 0.9; it has: 2.0 1.0." in done.stderr
    assert not (root / "var").exists()


def test_a_part_of_a_version_is_not_that_version(archive: Archive) -> None:
    assert "does not have tool in version 1;" in unpack(archive, "tool=1")[1].stderr


def test_the_release_can_be_pinned_like_everything_else(archive: Archive) -> None:
    root, done = unpack(archive, "base-files=12.4", "tool")
    assert done.returncode == 0, done.stderr
    assert "etc/os-release" in files(root)


def test_one_package_in_two_versions_is_refused(archive: Archive) -> None:
    _, done = unpack(archive, "tool=1.0", "tool")
    assert done.returncode == 2
    assert "named more than once: tool" in done.stderr


def test_lists_that_name_what_is_gone_are_fetched_anew(archive: Archive) -> None:
    stale = archive.folder / "pool/tool_2.0_all.deb"
    archive.add("tool", "2.1", {"usr/bin/tool": "2.1"})
    archive.publish()
    stale.unlink()
    root, done = unpack(archive, "tool")
    assert done.returncode == 0, done.stderr
    assert (root / "usr/bin/tool").read_text() == "2.1"
    assert done.stdout.splitlines() == ["base-files 12.4", "tool 2.1"]
