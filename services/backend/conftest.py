"""What the backend's tests share."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from logging.config import dictConfig

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app, logs
from app.settings import Settings

Logged = Callable[[], list[dict[str, object]]]


@pytest.fixture
def app() -> Flask:
    """Give a fresh application, so that no test sees another's numbers."""
    return create_app(Settings.from_environment({"FLASK_ENV": "testing"}))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Give a client of the application."""
    return app.test_client()


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Switch the log on; the fixture's value parses what was logged so far."""
    written = io.StringIO()
    dictConfig(logs.configuration("debug", written))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.root.handlers.clear()
