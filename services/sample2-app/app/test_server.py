"""The server: SIGTERM takes first the readiness, later the process; nobody's request is dropped."""

import asyncio
import http.client
import json
import logging
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from app.draining import Draining
from app.server import DrainingServer
from conftest import Logged

HOME = Path(__file__).parents[1]
SLOW = """
import asyncio
from app import create_app
from app.server import serve
from app.settings import load_or_exit

settings = load_or_exit()
app = create_app(settings)

@app.get("/slow")
async def slow() -> str:
    await asyncio.sleep(3)
    return "done"

serve(app, settings)
"""


@pytest.fixture(autouse=True)
def _log_off_afterwards() -> Iterator[None]:
    yield
    logging.root.handlers.clear()


@pytest.fixture
def port() -> int:
    """Give a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number: int = probe.getsockname()[1]
    return number


def ask(port: int, path: str) -> tuple[int, str]:
    """Ask for a path; give status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def wait_for(port: int, status: int) -> None:
    """Wait until readiness answers with a status."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if ask(port, "/ready")[0] == status:
                return
        except ConnectionError:
            time.sleep(0.02)
    raise TimeoutError(f"/ready never answered {status}")


def test_the_module_serves_until_sigterm_and_returns(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop() -> None:
        wait_for(port, 200)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setenv("PORT", str(port))
    monkeypatch.setenv("DRAIN_SECONDS", "0")
    monkeypatch.setenv("APP_VERSION", "v1")
    caller = threading.Thread(target=stop)
    caller.start()
    runpy.run_module("app", run_name="__main__")
    caller.join()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    starting = next(line for line in lines if line["message"] == "starting")
    assert (starting["environment"], starting["version"]) == ("production", "v1")
    assert {line["service"] for line in lines} == {"sample2-app"}


def test_a_wrong_variable_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("app", run_name="__main__")
    assert ended.value.code == 2


def test_sigterm_drains_once_before_it_stops(app: FastAPI, logged: Logged) -> None:
    async def told_twice() -> float:
        draining = Draining()
        server = DrainingServer(uvicorn.Config(app, log_config=None), draining, 0.2)
        told = time.monotonic()
        server.handle_exit(signal.SIGTERM, None)
        server.handle_exit(signal.SIGTERM, None)
        while not server.should_exit:
            await asyncio.sleep(0.01)
            assert draining.begun
        return time.monotonic() - told

    assert 0.2 <= asyncio.run(asyncio.wait_for(told_twice(), 10))
    assert [line["message"] for line in logged()].count("draining") == 1


def test_ctrl_c_stops_at_once(app: FastAPI) -> None:
    draining = Draining()
    server = DrainingServer(uvicorn.Config(app, log_config=None), draining, 60)
    server.handle_exit(signal.SIGINT, None)
    assert (draining.begun, server.should_exit) == (False, True)


@pytest.fixture
def slow_server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Give a running server whose `/slow` takes 3 s; end it hard if the test has not ended it."""
    (tmp_path / "slow.py").write_text(SLOW)
    environ = {**os.environ, "PORT": str(port), "DRAIN_SECONDS": "2", "PYTHONPATH": str(HOME)}
    command = [sys.executable, str(tmp_path / "slow.py")]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_a_request_under_way_is_answered_and_the_process_ends_well(
    slow_server: subprocess.Popen[bytes], port: int
) -> None:
    wait_for(port, 200)
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(ask, port, "/slow")
        time.sleep(0.3)
        slow_server.terminate()
        wait_for(port, 503)
        assert ask(port, "/health")[0] == 200
        assert ask(port, "/api/items")[0] == 200
        assert slow.result(20) == (200, '"done"')
    out, _ = slow_server.communicate(timeout=20)
    assert slow_server.returncode == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert "/slow" in [line.get("path") for line in lines]
