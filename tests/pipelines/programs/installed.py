"""The tools that Shipyard brings itself, installed from their pins as the pipelines install them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAMS = ROOT / "pipelines/programs"
PINS = ROOT / "pipelines/toolchains/pins"


OWN = f"{sys.prefix}/bin"
"""Where the developers' requirements put Node.js and npm, for a host that has none."""


def python_tool(name: str, folder: Path) -> Path:
    """Install a Python tool below a folder; give the folder of its command."""
    uv = Path(sys.prefix) / "bin/uv"
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, folder / name],
        [
            *(uv, "pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:"),
            *("--python", folder / name, "--requirement", PINS / name / "requirements.txt"),
        ],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return folder / name / "bin"


def node_tool(name: str, folder: Path) -> Path:
    """Install a Node.js tool; give the folder that holds node_modules."""
    shutil.copytree(PINS / name, folder / name)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder / name, env=with_path(), check=True, capture_output=True)
    return folder / name


def with_path(*folders: Path) -> dict[str, str]:
    """Give this process's environment with folders at the head of PATH, and our own at its end."""
    return {**os.environ, "PATH": ":".join([*map(str, folders), os.environ["PATH"], OWN])}
