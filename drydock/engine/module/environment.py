"""What a module's Python needs to be installed, and where that is.

A module's dependencies are looked up in the running interpreter first, which already holds the SDK. What is missing is
installed with pip into a folder of the state directory, named after the requirements, and reused for ever after.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drydock.engine.errors import EngineError
from drydock.engine.module.naming import pascal

Say = Callable[[str], None]
_PIP_SECONDS = 600.0
_PIP_SETTINGS = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_", "HTTP_PROXY",
                 "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")  # fmt: skip


@dataclass(frozen=True)
class Project:
    """The part of a pyproject.toml that matters at run time."""

    name: str = ""
    dependencies: tuple[str, ...] = ()
    entry_point: str = ""

    @property
    def package(self) -> str:
        """The import package that the SDK falls back to."""
        return self.name.replace("-", "_") or "main"

    @classmethod
    def read(cls, folder: Path) -> Project:
        """Read `pyproject.toml` of a source folder; an absent one is empty."""
        path = folder / "pyproject.toml"
        if not path.is_file():
            return cls()
        try:
            data: dict[str, Any] = tomllib.loads(path.read_text())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise EngineError(f"failed to read pyproject.toml: {error}") from error
        project = data.get("project", {})
        entry = project.get("entry-points", {}).get("dagger.mod", {}).get("main_object", "")
        return cls(str(project.get("name", "")), tuple(project.get("dependencies", ())), str(entry))


def own_packages(folder: Path) -> tuple[str, ...]:
    """Return the top-level import names that a source folder defines."""
    names = set()
    for base in (folder, folder / "src"):
        if base.is_dir():
            for entry in base.iterdir():
                if entry.suffix == ".py":
                    names.add(entry.stem)
                elif (entry / "__init__.py").is_file():
                    names.add(entry.name)
    return tuple(sorted(names))


def require_python(folder: Path) -> None:
    """Complain about a source without any Python."""
    for _, folders, files in os.walk(folder):
        if any(name.endswith(".py") for name in files):
            return
        folders[:] = [name for name in folders if name != ".git"]
    raise EngineError("no python files found in module source")


def missing(requirements: tuple[str, ...]) -> list[str]:
    """Return the requirements that the running interpreter does not meet."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for text in requirements:
        try:
            wanted = Requirement(text)
        except InvalidRequirement as error:
            raise EngineError(f"pyproject.toml: {text!r} is no requirement: {error}") from error
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        if wanted.name.lower().replace("_", "-") == "dagger-io":
            continue  # the engine brings its own
        try:
            have = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            found.append(text)
            continue
        if not wanted.specifier.contains(have, prereleases=True):
            found.append(text)
    return found


async def packages_for(requirements: tuple[str, ...], store: Path, say: Say) -> tuple[Path, ...]:
    """Return folders with the packages that are missing here, installed now if need be."""
    wanted = missing(requirements)
    if not wanted:
        return ()
    key = hashlib.sha256(json.dumps([sorted(requirements), sys.version]).encode()).hexdigest()[:32]
    folder = store / key
    if not folder.is_dir():
        say(f"installing {', '.join(wanted)} for the module (once per set of requirements)")
        await _install(wanted, folder)
    return (folder,)


async def _install(wanted: list[str], folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    environ = {name: value for name, value in os.environ.items() if name.startswith(_PIP_SETTINGS)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-input", "--no-warn-script-location", "--target", str(partial), *wanted,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environ,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _PIP_SECONDS)
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if process.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise EngineError(
            f"cannot install the module's dependencies {', '.join(wanted)}: pip ended with "
            f"{process.returncode}:\n{output.decode(errors='replace').strip()}\n"
            "Install them beside Drydock, or give pip an index it can reach (PIP_INDEX_URL)."
        )
    partial.rename(folder)


def environment(
    name: str, project: Project, port: int, token: str, traceparent: str
) -> dict[str, str]:
    """Return the environment of a function: what a real engine sets, nothing of the caller's."""
    endpoint = f"http://127.0.0.1:{port}"
    import base64

    credentials = base64.b64encode(f"{token}:".encode()).decode()
    variables = {
        "BAGGAGE": "",
        "DAGGER_BASE_IMAGE": "",
        "DAGGER_DEFAULT_PYTHON_PACKAGE": project.package,
        "DAGGER_ENGINE_NUM_CPU": str(os.cpu_count() or 1),
        "DAGGER_MAIN_OBJECT": pascal(name),
        "DAGGER_MODULE": name,
        "DAGGER_SESSION_PORT": str(port),
        "DAGGER_SESSION_TOKEN": token,
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Basic%20{credentials}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_LIVE": "1",
        "OTEL_PYTHON_LOG_CORRELATION": "true",
        "OTEL_SERVICE_NAME": "dagger-python-sdk",
        "OTEL_TRACES_EXPORTER": "otlp",
        "PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin",
        "PYTHONUNBUFFERED": "1",
        "PYTHON_VERSION": ".".join(str(part) for part in sys.version_info[:3]),
        "TRACEPARENT": traceparent,
    }
    for signal in ("TRACES", "LOGS", "METRICS"):
        variables[f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] = f"{endpoint}/v1/{signal.lower()}"
        variables[f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"] = "http/protobuf"
    return variables
