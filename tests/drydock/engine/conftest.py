"""An engine in this process; what needs no mounts needs no root either."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drydock.engine.engine import Engine
from drydock.engine.session import Session
from drydock.runtime.state import StateDir


@pytest.fixture
async def engine(state: StateDir) -> AsyncIterator[Engine]:
    engine = Engine(state)
    yield engine
    await engine.close()


@pytest.fixture
async def session(engine: Engine, tmp_path: Path) -> Session:
    return engine.open_session(tmp_path, {"HOME": "/root"})
