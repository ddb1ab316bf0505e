"""What the backend's tests share."""

import pytest
from flask.testing import FlaskClient

from app import create_app


@pytest.fixture
def client() -> FlaskClient:
    """Give a client of a fresh application."""
    return create_app().test_client()
