"""An engine in the test's own process, with its loopback server, and modules written for one test."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drydock.engine.engine import Engine
from drydock.engine.execute import execute
from drydock.engine.module import face
from drydock.engine.server import Server
from drydock.engine.session import Session
from drydock.runtime.state import StateDir

HEAD = """
import os, secrets, subprocess, sys
from typing import Annotated
import anyio
import dagger
from dagger import DefaultPath, Doc, Ignore, check, dag, field, function, generate, object_type
from opentelemetry import trace
"""


@dataclass
class Caller:
    """One session that works in a folder."""

    session: Session
    events: list[dict[str, Any]]

    async def load(self, reference: str = "") -> dict[str, Any]:
        """Load the module and return its description (or the error)."""
        return await face._load(self.session.client, {"ref": reference})

    async def answer(self, query: str) -> dict[str, Any]:
        """Return the whole answer of a query."""
        _, body = await execute(self.session.client, query)
        return body

    async def ask(self, query: str) -> Any:
        """Return the data of a query that has to succeed."""
        body = await self.answer(query)
        assert "errors" not in body, body
        return body["data"]

    async def fail(self, query: str) -> dict[str, Any]:
        """Return the error of a query that has to fail."""
        error: dict[str, Any] = (await self.answer(query))["errors"][0]
        return error

    def output(self) -> str:
        """Return everything that functions wrote."""
        return "".join(event["text"] for event in self.events if event["event"] == "log")


OpenSession = Callable[..., Any]


@pytest.fixture
async def engine(state: StateDir) -> AsyncIterator[Engine]:
    """Run an engine with its loopback server."""
    engine = Engine(state)
    server = Server(engine)
    await server.start(state.root / "e.sock")
    try:
        yield engine
    finally:
        await server.close()


@pytest.fixture
def caller(engine: Engine) -> OpenSession:
    """Return a function that opens a session in a folder."""

    def open_session(folder: Path, **environ: str) -> Caller:
        session = engine.open_session(folder, environ)
        events: list[dict[str, Any]] = []
        session.trace._followers.append(events.append)
        return Caller(session, events)

    return open_session


@pytest.fixture
def module(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a module called `probe` with the given class body."""

    def write(body: str, *, dependencies: str = '"dagger-io"', config: str = "") -> Path:
        folder = tmp_path / "probe"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "probe").mkdir(parents=True)
        (folder / "dagger.json").write_text(
            '{"name": "probe", "engineVersion": "v0.21.11", "sdk": {"source": "python"}'
            + config
            + "}"
        )
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "probe"\nversion = "0"\ndependencies = [{dependencies}]\n'
            '[project.entry-points."dagger.mod"]\nmain_object = "probe:Probe"\n'
        )
        source = (
            HEAD + "\n@object_type\nclass Probe:\n" + textwrap.indent(textwrap.dedent(body), "    ")
        )
        (folder / "probe" / "__init__.py").write_text(source)
        return folder

    return write
