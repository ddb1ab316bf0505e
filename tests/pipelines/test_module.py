"""The module's own source: what a real engine loads, installs and digests."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from dagger.mod import _exceptions

from pipelines.flows.access import AccessError
from pipelines.functions import FunctionError, readable

ROOT = Path(__file__).parents[2]
NEEDED = {".gitignore", "dagger.json", "delivery", "pipelines", "pyproject.toml"}


def included() -> dict[str, bool]:
    """Tell of every file or folder at the root whether it belongs to the module."""
    patterns = json.loads((ROOT / "dagger.json").read_text())["include"]
    assert all(pattern.startswith("!") for pattern in patterns)
    left_out = {pattern[1:] for pattern in patterns}
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = {line.partition("/")[0] for line in listed.stdout.splitlines()} | {".git"}
    return {name: name not in left_out for name in names}


def test_only_what_the_module_needs_changes_its_digest() -> None:
    assert {name for name, inside in included().items() if inside} == NEEDED


def test_the_module_can_be_installed_from_what_is_included(tmp_path: Path) -> None:
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, tmp_path / name)
    build = "import sys, hatchling.build as b; print(b.build_editable(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path / "wheels")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        check=True,
    )
    (wheel,) = (tmp_path / "wheels").iterdir()
    shutil.unpack_archive(wheel, tmp_path / "unpacked", "zip")
    (path,) = (tmp_path / "unpacked").glob("*.pth")
    assert str(tmp_path) in path.read_text()


def test_the_error_without_a_traceback_is_where_this_version_of_the_sdk_keeps_it() -> None:
    """It is no public name: whoever takes another engine looks again where it is, and writes the version here."""
    engine = json.loads((ROOT / "dagger.json").read_text())["engineVersion"]
    assert engine == "v0.21.11"
    assert version("dagger-io") == "0.21.11"
    assert FunctionError is _exceptions.FunctionError
    with pytest.raises(_exceptions.FunctionError, match="no cluster") as caught, readable():
        raise AccessError("no cluster")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
