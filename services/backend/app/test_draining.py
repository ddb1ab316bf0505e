"""SIGTERM: first the readiness goes, later the worker; nobody's request is dropped."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest
from flask import Flask

from app import draining
from conftest import Logged

HOME = Path(__file__).parents[1]
SLOW = """
import time
from app import create_app

def slow_app():
    app = create_app()
    app.add_url_rule("/api/slow", view_func=lambda: (time.sleep(3), "done")[1])
    return app
"""


class Worker:
    """A worker that only remembers whether it was told to exit."""

    def __init__(self, wsgi: Flask) -> None:
        self.wsgi = wsgi
        self.exited = threading.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        assert sig == signal.SIGTERM
        self.exited.set()


@pytest.fixture
def worker(app: Flask) -> Iterator[Worker]:
    """Give a worker; SIGTERM means afterwards what it meant before."""
    before = signal.getsignal(signal.SIGTERM)
    yield Worker(app)
    signal.signal(signal.SIGTERM, before)


def test_the_worker_stops_after_the_time_to_drain(worker: Worker, logged: Logged) -> None:
    draining.on_sigterm(worker, 0.2)
    told = time.monotonic()
    signal.raise_signal(signal.SIGTERM)
    assert worker.wsgi.test_client().get("/api/ready").status_code == 503
    assert worker.exited.wait(10)
    assert time.monotonic() - told >= 0.2
    lines = [line for line in logged() if line["message"] == "draining"]
    assert [line["seconds"] for line in lines] == [0.2]


def test_a_second_sigterm_changes_nothing(worker: Worker, logged: Logged) -> None:
    draining.on_sigterm(worker, 0.1)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert worker.exited.wait(10)
    assert [line["message"] for line in logged()].count("draining") == 1


class Server:
    """gunicorn as the image runs it, on a free port, with an endpoint that takes a while."""

    def __init__(self, folder: Path) -> None:
        (folder / "slow.py").write_text(SLOW)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", f"--pythonpath={folder}", "slow:slow_app()"]
        environ = {**os.environ, "PORT": str(self.port), "DRAIN_SECONDS": "2"}
        self.process = subprocess.Popen(command, cwd=HOME, env=environ, stdout=subprocess.PIPE)
        self.wait_for(200)

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a path; give status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait_for(self, status: int) -> None:
        """Wait until readiness answers with a status."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if self.get("/api/ready")[0] == status:
                    return
            except ConnectionError:
                assert self.process.poll() is None
            time.sleep(0.02)
        raise TimeoutError(f"/api/ready never answered {status}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Give a running server; end it hard if the test has not ended it."""
    started = Server(tmp_path)
    yield started
    started.process.kill()
    started.process.communicate()


def test_a_request_under_way_is_answered_and_the_process_ends_well(server: Server) -> None:
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(server.get, "/api/slow")
        time.sleep(0.3)
        server.process.terminate()
        server.wait_for(503)
        assert server.get("/api/health")[0] == 200
        assert server.get("/api/data")[0] == 200
        assert slow.result(20) == (200, "done")
    out, _ = server.process.communicate(timeout=20)
    assert server.process.returncode == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["service"] for line in lines} == {"backend"}
    assert "/api/slow" in [line.get("path") for line in lines]
