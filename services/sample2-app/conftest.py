"""What the tests of sample2-app share."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from logging.config import dictConfig

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app import create_app, logs
from app.settings import Settings

Logged = Callable[[], list[dict[str, object]]]


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def app() -> FastAPI:
    """Give a fresh application, so that no test sees another's numbers."""
    return create_app(Settings(app_env="testing", app_version="1.2.3"))


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """Give a client of the application."""
    return TestClient(app)


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Switch the log on; the fixture's value parses what was logged so far."""
    written = io.StringIO()
    dictConfig(logs.configuration("debug", written))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.root.handlers.clear()
