"""The image's health check, asked of real sockets."""

import runpy
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import healthcheck


class Health(BaseHTTPRequestHandler):
    """Answers `/health` well; a subclass may say otherwise."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Sick(Health):
    """Answers badly."""

    status = 500


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Give the port of a server with the handler that the test names."""
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("port", "healthy"), [(Health, True), (Sick, False)], indirect=["port"])
def test_only_200_is_healthy(port: int, healthy: bool) -> None:
    assert healthcheck.healthy(port) is healthy


@pytest.mark.parametrize(("port", "code"), [(Health, 0), (Sick, 1)], indirect=["port"])
def test_the_exit_code_is_the_answer(monkeypatch: pytest.MonkeyPatch, port: int, code: int) -> None:
    monkeypatch.setenv("PORT", str(port))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(healthcheck.__file__, run_name="__main__")
    assert ended.value.code == code


def test_nobody_there_is_not_healthy() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        deserted = server.server_port
    assert not healthcheck.healthy(deserted)
