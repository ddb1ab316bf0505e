"""What differs from a revision: by content, asked of a real git."""

from pathlib import Path

import pytest

from pipelines.stages.changes import affected
from tests.pipelines.examples import service
from tests.pipelines.programs.worktree import WorkTree

BACKEND, BACKEND2 = "services/backend/app.py", "services/backend2/app.py"
PATHS = ("services/backend", "manifests/apps/backend", "manifests/environments")


@pytest.fixture
def work(tmp_path: Path) -> WorkTree:
    """Make a repository of two services with like names, and an environment."""
    return WorkTree.make(
        tmp_path,
        BACKEND,
        BACKEND2,
        "manifests/apps/backend/deployment.yaml",
        "manifests/environments/near/environment.yaml",
    )


def changes(work: WorkTree, revision: str = "HEAD", paths: tuple[str, ...] = PATHS) -> list[str]:
    """Ask what differs."""
    done = work.ask("changes.sh", revision, *paths)
    assert (done.returncode, done.stderr) == (0, "")
    return sorted(done.stdout.splitlines())


def test_the_same_content_is_no_change(work: WorkTree) -> None:
    """Also with other times, which an engine gives to all files."""
    (work.root / BACKEND).touch()
    assert changes(work) == []


def test_changed_new_and_removed_files_are_told(work: WorkTree) -> None:
    work.write(BACKEND, "x = 2\n")
    work.write("services/backend/new.py", "")
    (work.root / "manifests/apps/backend/deployment.yaml").unlink()
    assert changes(work) == [
        "manifests/apps/backend/deployment.yaml",
        BACKEND,
        "services/backend/new.py",
    ]


def test_what_was_not_asked_for_and_what_is_ignored_is_not_told(work: WorkTree) -> None:
    work.write(BACKEND2, "x = 2\n")
    work.write("services/backend/noise.log", "")
    work.write("docs/read.md", "")
    assert changes(work) == []


def test_an_environment_is_told(work: WorkTree) -> None:
    work.write("manifests/environments/near/environment.yaml", "other\n")
    told = changes(work)
    assert told == ["manifests/environments/near/environment.yaml"]
    assert affected([service("backend"), service("backend2")], told) == [
        service("backend"),
        service("backend2"),
    ]


def test_content_counts_and_not_the_way_to_it(work: WorkTree) -> None:
    """A branch that came back to what the other has differs in nothing."""
    work.git("branch", "before")
    work.write(BACKEND, "x = 2\n")
    work.commit()
    assert changes(work, "before") == [BACKEND]
    work.write(BACKEND, "x = 1\n")
    work.commit()
    assert changes(work, "before") == []


@pytest.mark.parametrize("revision", ["main", "HEAD~1", "v1", "refs/heads/main"])
def test_a_revision_is_named_as_git_names_it(work: WorkTree, revision: str) -> None:
    work.git("tag", "v1")
    work.commit()
    work.write(BACKEND, "x = 2\n")
    assert changes(work, revision) == [BACKEND]


def test_every_name_leads_to_its_service(work: WorkTree) -> None:
    names = ["é.py", "a b.py", 'with "quotes".py', "tab\there.py", "-n.py"]
    for name in names:
        work.write(f"services/backend/{name}", "")
        told = changes(work)
        assert len(told) == 1
        both = [service("backend2"), service("backend")]
        assert [each.name for each in affected(both, told)] == ["backend"], name
        (work.root / "services/backend" / name).unlink()


def test_a_file_that_moved_changes_both_services(work: WorkTree) -> None:
    (work.root / BACKEND2).rename(work.root / "services/backend/moved.py")
    both = (*PATHS, "services/backend2")
    assert changes(work, paths=both) == ["services/backend/moved.py", BACKEND2]


@pytest.mark.parametrize("revision", ["nowhere", "origin/main", "HEAD~7", "--all", ""])
def test_an_unknown_revision_ends_with_3(work: WorkTree, revision: str) -> None:
    assert work.ask("changes.sh", revision, *PATHS).returncode == 3


def test_outside_of_a_repository_every_revision_is_unknown(work: WorkTree) -> None:
    (work.root / ".git").rename(work.root.with_name("elsewhere"))
    assert work.ask("changes.sh", "HEAD", *PATHS).returncode == 3
