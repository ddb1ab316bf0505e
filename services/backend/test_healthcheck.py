"""The image's health check, asked of real sockets."""

import runpy
import socket
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

import healthcheck


def serve(app: Flask) -> BaseWSGIServer:
    """Serve an application on a free port until it is shut down."""
    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def port(app: Flask) -> Iterator[int]:
    """Give the port of a running backend."""
    server = serve(app)
    yield server.port
    server.shutdown()
    server.server_close()


@pytest.fixture
def deserted_port() -> int:
    """Give a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number: int = probe.getsockname()[1]
    return number


def test_a_running_backend_is_healthy(port: int) -> None:
    assert healthcheck.healthy(port)


def test_nobody_there_is_not_healthy(deserted_port: int) -> None:
    assert not healthcheck.healthy(deserted_port)


def test_another_answer_is_not_healthy() -> None:
    server = serve(Flask("another"))
    try:
        assert not healthcheck.healthy(server.port)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("fixture", "code"), [("port", 0), ("deserted_port", 1)])
def test_the_exit_code_is_the_answer(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, fixture: str, code: int
) -> None:
    monkeypatch.setenv("PORT", str(request.getfixturevalue(fixture)))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(healthcheck.__file__, run_name="__main__")
    assert ended.value.code == code
