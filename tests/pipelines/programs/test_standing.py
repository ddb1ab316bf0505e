"""Where a work tree stands, asked of a real git in the clones that people and CI systems make."""

import os
import shutil
from pathlib import Path

import pytest

from pipelines.model import Standing
from pipelines.stages.standing import parse_standing
from tests.pipelines.programs.worktree import WorkTree

BACKEND, OTHER = "services/backend/app.py", "services/other/app.py"


@pytest.fixture
def work(tmp_path: Path) -> WorkTree:
    """Make a repository with two commits; the first is released."""
    tree = WorkTree.make(tmp_path, BACKEND, OTHER)
    tree.git("tag", "-a", "v1", "-m", "one")
    tree.commit()
    return tree


def standing(work: WorkTree, *paths: str) -> Standing:
    """Run standing.sh and read it."""
    done = work.ask("standing.sh", *(paths or ("services/backend",)))
    assert (done.returncode, done.stderr) == (0, "")
    return parse_standing(done.stdout)


def clone(work: WorkTree, *flags: str) -> WorkTree:
    """Clone it as others would."""
    copy = WorkTree(work.root.with_name("clone"))
    work.git("clone", "-q", *flags, work.root.as_uri(), str(copy.root))
    return copy


def test_a_branch_and_a_tag_at_the_commit_are_told(work: WorkTree) -> None:
    work.git("tag", "v2")
    assert standing(work) == Standing(
        revision=work.git("rev-parse", "HEAD"),
        at=frozenset({"branch:main", "tag:v2"}),
        within=frozenset({"branch:main"}),
        known=frozenset({"branch:main", "tag:v1", "tag:v2"}),
    )


def test_an_annotated_tag_is_at_its_commit(work: WorkTree) -> None:
    work.git("checkout", "-q", "v1")
    told = standing(work)
    assert told.at == {"tag:v1"}
    assert told.within == {"branch:main"}


def test_packed_refs_count_too(work: WorkTree) -> None:
    work.git("checkout", "-q", "v1")
    work.git("pack-refs", "--all")
    assert standing(work).at == {"tag:v1"}


def test_a_detached_head_of_ci_is_the_branch_of_the_remote(work: WorkTree) -> None:
    """The refs that actions/checkout and GitLab's runner leave behind."""
    copy = clone(work, "--depth=1")
    copy.git("checkout", "-q", "--detach")
    copy.git("branch", "-q", "-D", "main")
    told = standing(copy)
    assert told.at == {"branch:main"}
    assert told.partial


def test_a_whole_clone_is_not_partial(work: WorkTree) -> None:
    assert not standing(clone(work)).partial


def test_a_branch_that_has_moved_on_contains_the_commit(work: WorkTree) -> None:
    copy = clone(work)
    copy.git("checkout", "-q", "--detach", "HEAD~1")
    copy.git("branch", "-q", "-D", "main")
    told = standing(copy)
    assert told.at == {"tag:v1"}
    assert told.within == {"branch:main"}


def test_files_that_are_not_the_commits_are_told_as_they_are_called(work: WorkTree) -> None:
    work.write(BACKEND, "x = 2\n")
    work.write("services/backend/nö rm.py", "")
    work.write("services/backend/noise.log", "")
    work.write(OTHER, "x = 3\n")
    assert standing(work).differing == (BACKEND, "services/backend/nö rm.py")
    both = standing(work, "services/backend", "services/other").differing
    assert sorted(both) == [BACKEND, "services/backend/nö rm.py", OTHER]


def test_outside_of_a_repository_there_is_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    assert standing(WorkTree(tmp_path / "work")) == Standing(revision="")


@pytest.mark.parametrize("failing", ["status", "read-tree", "for-each-ref", "rev-parse", "log"])
def test_a_git_that_fails_is_never_taken_for_a_clean_work_tree(
    failing: str, work: WorkTree, tmp_path: Path
) -> None:
    work.write(BACKEND, "x = 2\n")
    first = tmp_path / "first"
    first.mkdir()
    (first / "git").write_text(
        f'#!/bin/sh\ncase " $* " in *" {failing} "*) echo broken >&2; exit 128;; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    (first / "git").chmod(0o755)
    path = f"{first}:{os.environ['PATH']}"
    done = work.ask("standing.sh", "services/backend", PATH=path)
    assert done.returncode == 128
    assert "broken" in done.stderr


def test_a_commit_that_is_not_checked_out_is_told_without_files(work: WorkTree) -> None:
    work.write(BACKEND, "x = 2\n")
    first = work.git("rev-parse", "HEAD~1")
    done = work.ask("standing.sh", REVISION=first)
    assert (done.returncode, done.stderr) == (0, "")
    assert parse_standing(done.stdout) == Standing(
        revision=first,
        at=frozenset({"tag:v1"}),
        within=frozenset({"branch:main"}),
        known=frozenset({"branch:main", "tag:v1"}),
    )


def test_a_commit_that_git_does_not_have_here_is_nothing(work: WorkTree) -> None:
    done = work.ask("standing.sh", REVISION="1" * 40)
    assert (done.returncode, done.stdout) == (0, "")
