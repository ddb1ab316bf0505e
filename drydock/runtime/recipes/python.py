"""`python:3.11-slim-bookworm`, from Debian's own Python 3.11.

What pipelines rely on in the official image holds: `python`, `python3` and `pip` in /usr/local/bin,
pip installs without a virtual environment, LANG is set, the command is `python3`.
"""

from __future__ import annotations

from drydock.runtime.image import ImageConfig
from drydock.runtime.recipes.debian import INSTALLER
from drydock.runtime.recipes.kitchen import Kitchen, Recipe
from drydock.runtime.snapshot import Snapshot

_PACKAGES = ("python3", "python3-pip", "python3-venv", "netbase", "tzdata")
_SCRIPT = """\
rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED
for name in python python3 python3.11; do ln -s /usr/bin/python3.11 /usr/local/bin/$name; done
for name in pip pip3 pip3.11; do ln -s /usr/bin/pip3 /usr/local/bin/$name; done
"""


class _Python(Recipe):
    name = "python"
    version = 1
    title = "python:3.11-slim-bookworm"
    source = "Debian packages"
    names = ("docker.io/library/python",)
    tags = r"3\.11(\.\d+)?-slim(-bookworm)?"
    config = ImageConfig(
        env=(
            "PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG=C.UTF-8",
            "PYTHON_VERSION=3.11.2",
        ),
        cmd=("python3",),
    )

    def ingredients(self) -> str:
        return INSTALLER.digest

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        return await kitchen.install(await kitchen.cook(INSTALLER), _PACKAGES, _SCRIPT)


PYTHON = _Python()
