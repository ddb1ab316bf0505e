"""Python services: Black, isort, flake8, mypy and pytest, as the service's own locks pin them."""

from collections.abc import Mapping
from typing import ClassVar

import dagger
from dagger import dag

from pipelines.toolchains import python
from pipelines.toolchains.kinds.toolchain import HOME, REPORTS, Check, Toolchain

_CODE = ("**/*.py", "**/*.pyi")
_SETTINGS = ("pyproject.toml", "setup.cfg", "tox.ini", ".flake8", "mypy.ini")
_FATAL = "E9,F63,F7,F82"
"""flake8's classes of what cannot run at all; no configuration of a service can switch them off."""


class Python(Toolchain):
    """What checks a Python service, and where its dependencies go."""

    locks: ClassVar[tuple[str, ...]] = ("requirements.txt", "requirements-dev.txt")
    checks: ClassVar[Mapping[str, Check]] = {
        "format": Check(
            (("black", "--check", "--diff", "."), ("isort", "--check-only", "--diff", ".")),
            reads=(*_CODE, *_SETTINGS),
        ),
        "lint": Check(
            (
                ("flake8", "--isolated", f"--select={_FATAL}", "--show-source", "."),
                ("flake8", "."),
            ),
            reads=(*_CODE, *_SETTINGS),
        ),
        "types": Check(
            (("mypy", "--cache-dir=/mypy", "."),), reads=(*_CODE, *_SETTINGS), cache="/mypy"
        ),
        "test": Check(
            (
                (
                    "pytest",
                    "-p",
                    "no:cacheprovider",
                    f"--junitxml={REPORTS}/junit.xml",
                    "--cov",
                    "--cov-report=term-missing",
                    f"--cov-report=xml:{REPORTS}/coverage.xml",
                    f"--cov-report=lcov:{REPORTS}/lcov.info",
                ),
            )
        ),
    }
    fix: ClassVar[Check | None] = Check(
        (("isort", "."), ("black", ".")), reads=(*_CODE, *_SETTINGS)
    )
    environment: ClassVar[Mapping[str, str]] = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }

    def workshop(self, files: dagger.Directory, fresh: str) -> dagger.Container:
        """Install runtime and development requirements."""
        del fresh
        return (
            python.install(python.base(), files.filter(include=list(self.locks)), self.locks)
            .with_directory(REPORTS, dag.directory())
            .with_workdir(HOME)
        )

    def at_hand(self, workshop: dagger.Container, files: dagger.Directory) -> dagger.Container:
        """Mount the files."""
        return workshop.with_mounted_directory(HOME, files)

    def layers(
        self, files: dagger.Directory, builder: dagger.Container
    ) -> Mapping[str, dagger.Directory]:
        """Give the runtime requirements where Debian's Python finds them."""
        del builder
        return {"dependencies": python.runtime_root(files.filter(include=["requirements.txt"]))}
