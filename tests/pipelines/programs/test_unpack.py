"""unpack.sh: the root of an image, from packages made here; only the download is played."""

import os
import subprocess
from pathlib import Path

PROGRAMS = Path(__file__).parents[3] / "pipelines/programs"
FILES = {
    "base-files": {
        "etc/debian_version": "12.9\n",
        "usr/lib/os-release": "ID=debian\n",
        "etc/issue": "Debian\n",
        "usr/share/base-files/motd": "welcome\n",
    },
    "tool": {"usr/bin/tool": "#!/bin/sh\n", "usr/share/doc/tool/copyright": "free\n"},
}
DOWNLOAD = """#!/bin/sh
case $1 in update) exit 0 ;; download) shift ;; *) exit 9 ;; esac
for word; do case $word in -*|*=*|*::*) ;; *) cp "$ARCHIVE/$word.deb" . || exit 100 ;; esac; done
"""


def unpacked(folder: Path, *packages: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Make an archive of the packages above and unpack some of them."""
    for name, files in FILES.items():
        tree = folder / name
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: N <n@example.com>\n"
            "Description: for a test\n"
        )
    (folder / "base-files/etc/os-release").symlink_to("../usr/lib/os-release")
    for name in FILES:
        build = ["dpkg-deb", "--root-owner-group", "--build", name, f"{name}.deb"]
        subprocess.run(build, cwd=folder, check=True, capture_output=True)
    (folder / "bin").mkdir()
    (folder / "bin/apt-get").write_text(DOWNLOAD)
    (folder / "bin/apt-get").chmod(0o755)
    for program in ("unpack.sh", "again.sh"):
        (folder / program).write_text((PROGRAMS / program).read_text())
        (folder / program).chmod(0o755)
    done = subprocess.run(
        [folder / "unpack.sh", folder / "root", *packages],
        env={
            **os.environ,
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "ARCHIVE": str(folder),
            "AGAIN_PAUSE": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return folder / "root", done


def files(root: Path) -> set[str]:
    """List everything that is no folder."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_the_root_holds_the_packages_the_release_and_nothing_else(tmp_path: Path) -> None:
    root, done = unpacked(tmp_path, "tool")
    assert done.returncode == 0, done.stderr
    assert files(root) == {
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
    assert "Version: 1.0" in (root / "var/lib/dpkg/status.d/tool").read_text()


def test_a_package_that_cannot_be_had_ends_it(tmp_path: Path) -> None:
    root, done = unpacked(tmp_path, "nonesuch")
    assert done.returncode != 0
    assert not (root / "var").exists()
