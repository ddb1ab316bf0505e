"""The small programs: run for real, as the containers run them."""

import http.server
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[3] / "pipelines/programs"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Make a repository with one commit of two services."""
    repository = tmp_path / "work"
    for name in ("backend", "other"):
        (repository / "services" / name).mkdir(parents=True)
        (repository / "services" / name / "app.py").write_text("x = 1\n")
    (repository / ".gitignore").write_text("*.log\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        git(repository, *command)
    return repository


def git(repository: Path, *args: str) -> None:
    """Run git as somebody at a fixed time."""
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in {
            "NAME": "N",
            "EMAIL": "n@example.com",
            "DATE": "1700000000 +0000",
        }.items()
    }
    subprocess.run(["git", *args], cwd=repository, env={**os.environ, **identity}, check=True)


def commit(tmp_path: Path, work: Path, *paths: str) -> list[str]:
    """Run commit.sh the way the stage does: objects apart, no configuration, no index."""
    objects = tmp_path / "git"
    shutil.rmtree(objects, ignore_errors=True)
    if (work / ".git").exists():
        left_out = shutil.ignore_patterns("config", "index", "hooks", "logs")
        shutil.copytree(work / ".git", objects, ignore=left_out)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_DIR": str(objects),
        "GIT_WORK_TREE": str(work),
    }
    done = subprocess.run(
        ["sh", PROGRAMS / "commit.sh", *paths],
        cwd=work,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")


def test_a_clean_tree_tells_revision_and_time_only(tmp_path: Path, work: Path) -> None:
    first, *rest = commit(tmp_path, work, "services/backend")
    revision, seconds = first.split(" ")
    assert (len(revision), seconds) == (40, "1700000000")
    assert rest == [""]


def test_changes_of_the_asked_paths_are_told(tmp_path: Path, work: Path) -> None:
    (work / "services/backend/app.py").write_text("x = 2\n")
    (work / "services/backend/new.py").write_text("")
    (work / "services/backend/noise.log").write_text("")
    (work / "services/other/app.py").unlink()
    told = commit(tmp_path, work, "services/backend")
    assert told[1:] == [" M services/backend/app.py", "?? services/backend/new.py", ""]


def test_outside_of_a_repository_nothing_is_told(tmp_path: Path, work: Path) -> None:
    shutil.rmtree(work / ".git")
    assert commit(tmp_path, work, "services/backend") == ["", ""]


def test_borrowed_objects_count_as_no_repository(tmp_path: Path, work: Path) -> None:
    clone = tmp_path / "clone"
    git(work, "clone", "-q", "--shared", str(work), str(clone))
    (clone / ".git/objects/info/alternates").write_text("/nowhere/objects\n")
    assert commit(tmp_path, clone, "services/backend") == ["", ""]


def test_a_moved_file_changes_both_services(tmp_path: Path, work: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(50))
    (work / "services/other/long.py").write_text(text)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "second")
    (work / "services/other/long.py").rename(work / "services/backend/long.py")
    told = commit(tmp_path, work, "services/backend", "services/other")
    assert told[1:] == [" D services/other/long.py", "?? services/backend/long.py", ""]


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
    command = [sys.executable, PROGRAMS / "reach.py", *servers]
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
