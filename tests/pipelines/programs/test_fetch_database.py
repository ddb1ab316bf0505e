"""Fetching Trivy's database: whoever has it is asked first whether it answers at all."""

import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.programs import fetch_database
from pipelines.programs.fetch_database import silence
from tests.pipelines.programs.debian import PROGRAMS


class Refusal(http.server.BaseHTTPRequestHandler):
    """A registry that wants a login."""

    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def refusing() -> Iterator[str]:
    """Serve nothing but refusals."""
    with http.server.HTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v2/"
        server.shutdown()
        thread.join()


@pytest.fixture
def silent() -> Iterator[int]:
    """Take connections and say nothing, as some firewalls do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_refusal_is_an_answer(refusing: str) -> None:
    assert silence(refusing, 5) == ""


def test_a_registry_that_says_nothing_is_given_up_soon(silent: int) -> None:
    started = time.monotonic()
    assert "timed out" in silence(f"http://127.0.0.1:{silent}/v2/", 0.3)
    assert time.monotonic() - started < 3


def test_what_cannot_be_reached_is_told_for_each_registry(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    registries = [f"127.0.0.1:{port}/a/trivy-db:2", f"127.0.0.1:{port}/b/trivy-db:2"]
    done = fetch(tmp_path, registries)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == registries
    assert all("refused" in line for line in lines)


def test_trivy_itself_is_not_started_for_a_registry_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "trivy").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "trivy").chmod(0o755)
    assert fetch(tmp_path, ["127.0.0.1:1/a/trivy-db:2"]).returncode == 1
    assert not (tmp_path / "started").exists()


def test_the_next_registry_is_asked_when_one_answers_and_gives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the probe is played: it wants TLS."""
    play = (
        'case "$*" in *bad*) echo "first line" >&2; echo "too many requests" >&2; exit 1 ;; esac\n'
    )
    (tmp_path / "trivy").write_text(f'#!/bin/sh\n{play}echo "$*" > {tmp_path}/asked\n')
    (tmp_path / "trivy").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(fetch_database, "silence", lambda _: "")
    assert fetch_database.main(["/cache", "bad/x/trivy-db:2", "good/x/trivy-db:2"]) == 0
    assert capsys.readouterr().err == "bad/x/trivy-db:2: too many requests\n"
    asked = (tmp_path / "asked").read_text().split()
    assert "--download-db-only" in asked
    assert asked[-3:] == ["/cache", "--db-repository", "good/x/trivy-db:2"]


def fetch(folder: Path, registries: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the program with no other programs than those of a folder before the machine's own."""
    return subprocess.run(
        [sys.executable, PROGRAMS / "fetch_database.py", folder / "cache", *registries],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
