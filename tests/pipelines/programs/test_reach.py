"""Asking servers whether they answer: run for real, against real sockets."""

import http.server
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[3] / "pipelines/programs"


class Registry(http.server.BaseHTTPRequestHandler):
    """Refuses everything, which is an answer too."""

    def do_GET(self) -> None:
        """Ask for a login."""
        self.send_response(401)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Stay quiet."""


def reach(*servers: str) -> tuple[int, str]:
    """Run reach.py."""
    command = [sys.executable, str(PROGRAMS / "reach.py"), *servers]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.fixture
def answering() -> Iterator[int]:
    """Serve HTTP; give the port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def hollow() -> Iterator[int]:
    """Accept connections and end them at once, as a tunnel does that has nothing behind it."""

    class Hang(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            """Say nothing."""

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Hang) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_any_answer_of_a_registry_will_do(answering: int) -> None:
    assert reach(f"registry=http://127.0.0.1:{answering}") == (0, "")


def test_who_refuses_the_connection_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        code, told = reach(f"cluster=tls://127.0.0.1:{closed.getsockname()[1]}")
    assert (code, told) == (1, "the cluster does not answer: Connection refused\n")


def test_a_tunnel_with_nothing_behind_it_is_no_answer(hollow: int, answering: int) -> None:
    code, told = reach(
        f"registry=http://127.0.0.1:{hollow}",
        f"cluster=tls://127.0.0.1:{hollow}",
        f"registry=http://127.0.0.1:{answering}",
    )
    assert code == 1
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "the registry does not answer",
        "the cluster does not answer",
    ]
