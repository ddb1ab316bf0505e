"""Verification: it waits for a good answer through the service proxy, and tells the last bad one."""

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from delivery import verify as verification
from delivery.cluster import Cluster
from delivery.errors import VerificationError
from delivery.plan import Service

WHAT = ("space", [Service("backend", "r/backend@sha256:aa", "/api/health", "1")])


class Server(socketserver.ThreadingUnixStreamServer):
    """What `kubectl proxy` is to the delivery; answers in the given order, the last one for ever."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        self.answers: list[int] = []
        self.paths: list[str] = []
        super().__init__(path, Handler)


class Handler(BaseHTTPRequestHandler):
    """Answers and remembers."""

    server: Server

    def do_GET(self) -> None:
        """Give the next answer."""
        self.server.paths.append(self.path)
        code = (
            self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        )
        self.send_response(code)
        self.end_headers()
        self.wfile.write(b'{"status": "told"}')

    def log_message(self, *_args: object) -> None:
        """Stay quiet."""

    def address_string(self) -> str:
        """Name the client; a unix socket has no address."""
        return "client"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve on a unix socket."""
    monkeypatch.setattr(verification, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(verification, "PAUSE_SECONDS", 0.01)
    with Server(str(tmp_path / "s")) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_service_that_answers_late_is_good(server: Server) -> None:
    server.answers = [503, 502, 200]
    verification.verify(Cluster(None, Path(str(server.server_address))), *WHAT)
    assert len(server.paths) == 3
    assert set(server.paths) == {"/api/v1/namespaces/space/services/backend:http/proxy/api/health"}


def test_a_service_that_stays_bad_is_told_with_its_last_answer(server: Server) -> None:
    server.answers = [500]
    with pytest.raises(VerificationError, match=r'backend: /api/health answers 500 .*"told"'):
        verification.verify(Cluster(None, Path(str(server.server_address))), *WHAT)
