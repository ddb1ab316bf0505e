"""Commit, time and what differs from it: asked of a real git, as the stage asks."""

import shutil
from pathlib import Path

import pytest

from tests.pipelines.programs.worktree import TIME, WorkTree

BACKEND, OTHER = "services/backend/app.py", "services/other/app.py"


@pytest.fixture
def work(tmp_path: Path) -> WorkTree:
    """Make a repository with one commit of two services."""
    return WorkTree.make(tmp_path, BACKEND, OTHER)


def commit(work: WorkTree, *paths: str) -> list[str]:
    """Run commit.sh and give its lines."""
    done = work.ask("commit.sh", *paths)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")


def test_a_clean_tree_tells_revision_and_time_only(work: WorkTree) -> None:
    first, *rest = commit(work, "services/backend")
    assert first == f"{work.git('rev-parse', 'HEAD')} {TIME}"
    assert rest == [""]


def test_changes_of_the_asked_paths_are_told(work: WorkTree) -> None:
    work.write(BACKEND, "x = 2\n")
    work.write("services/backend/new.py", "")
    work.write("services/backend/noise.log", "")
    (work.root / OTHER).unlink()
    told = commit(work, "services/backend")
    assert told[1:] == [" M services/backend/app.py", "?? services/backend/new.py", ""]


def test_outside_of_a_repository_nothing_is_told(work: WorkTree) -> None:
    shutil.rmtree(work.root / ".git")
    assert commit(work, "services/backend") == ["", ""]


def test_borrowed_objects_count_as_no_repository(tmp_path: Path, work: WorkTree) -> None:
    clone = WorkTree(tmp_path / "clone")
    work.git("clone", "-q", "--shared", str(work.root), str(clone.root))
    clone.write(".git/objects/info/alternates", "/nowhere/objects\n")
    assert commit(clone, "services/backend") == ["", ""]


def test_a_moved_file_changes_both_services(work: WorkTree) -> None:
    work.write("services/other/long.py", "".join(f"line {number}\n" for number in range(50)))
    work.commit()
    (work.root / "services/other/long.py").rename(work.root / "services/backend/long.py")
    told = commit(work, "services/backend", "services/other")
    assert told[1:] == [" D services/other/long.py", "?? services/backend/long.py", ""]
