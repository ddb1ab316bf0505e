"""The small programs: run for real, as the containers run them."""

import os
import shutil
import socket
import subprocess
import sys
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


def test_reach_tells_who_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        there, gone = server.getsockname()[1], closed.getsockname()[1]
        answers = [
            subprocess.run(
                [sys.executable, PROGRAMS / "reach.py", *names],
                capture_output=True,
                text=True,
                check=False,
            )
            for names in (
                [f"registry=127.0.0.1:{there}"],
                [f"registry=127.0.0.1:{there}", f"cluster=127.0.0.1:{gone}"],
            )
        ]
    assert (answers[0].returncode, answers[0].stdout) == (0, "")
    assert answers[1].returncode == 1
    assert answers[1].stdout == "the cluster does not answer: Connection refused\n"
