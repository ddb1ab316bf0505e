"""The clone: real git against a real bare repository, with others who push at the same time."""

from pathlib import Path

import pytest

from delivery.errors import PlanError, PreflightError
from delivery.gitops import git as gitting
from delivery.gitops import repository as repositories
from delivery.gitops.address import read_address
from delivery.gitops.git import GitError, patiently
from delivery.gitops.repository import Outrun, Repository, cloned
from delivery.modes import GitOps
from tests.delivery.gitops.forge import BRANCH, FOLDER, Forge

MESSAGE = "Deliver\n\n# kept\n"


def settings(forge: Forge, branch: str = BRANCH) -> GitOps:
    """Say where the wanted state is."""
    return GitOps(forge.address, branch, FOLDER)


def edit(repository: Repository, path: str, text: str) -> str:
    """Change a file and commit it."""
    (repository.folder / path).write_text(text)
    return repository.commit(path, MESSAGE)


def test_a_commit_that_was_pushed_is_on_the_branch_as_it_was_written(forge: Forge) -> None:
    with cloned(settings(forge)) as repository:
        commit = edit(repository, forge.path, "kind: Kustomization\n")
        assert not repository.contains(commit)
        repository.push()
        repository.look()
        assert repository.contains(commit)
    assert forge.head() == commit
    assert forge.text() == "kind: Kustomization\n"
    assert forge.git("log", "-1", "--format=%B%an <%ae>") == (
        f"{MESSAGE}Shipyard <shipyard@localhost>\n"
    )


def test_the_author_is_who_was_configured(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIVERY_GIT_AUTHOR", "Release Bot <bot@shop.test>")
    with cloned(settings(forge)) as repository:
        edit(repository, forge.path, "kind: Kustomization\n")
        repository.push()
    assert forge.git("log", "-1", "--format=%an <%ae> %cn <%ce>").strip() == (
        "Release Bot <bot@shop.test> Release Bot <bot@shop.test>"
    )


def test_what_was_not_pushed_is_gone_and_the_folder_too(forge: Forge) -> None:
    before = forge.head()
    with cloned(settings(forge)) as repository:
        folder = repository.folder
        edit(repository, forge.path, "kind: Kustomization\n")
        (folder / "left").write_text("behind")
        repository.refresh()
        assert not (folder / "left").exists()
        assert (folder / forge.path).read_text() != "kind: Kustomization\n"
    assert not folder.exists()
    assert forge.head() == before


def test_a_branch_that_moved_on_is_not_pushed_over(forge: Forge) -> None:
    with cloned(settings(forge)) as repository:
        edit(repository, forge.path, "kind: Kustomization\n")
        forge.mention()
        theirs = forge.head()
        with pytest.raises(Outrun):
            repository.push()
        assert forge.head() == theirs
        repository.refresh()
        assert repository.head == theirs
        edit(repository, forge.path, "kind: Kustomization\n")
        repository.push()
    assert forge.git("rev-parse", f"{BRANCH}^").strip() == theirs


def test_a_server_that_refuses_is_no_race(forge: Forge) -> None:
    hook = forge.bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho reviews are needed >&2\nexit 1\n")
    hook.chmod(0o755)
    with cloned(settings(forge)) as repository:
        edit(repository, forge.path, "kind: Kustomization\n")
        with pytest.raises(GitError, match="pre-receive hook declined") as caught:
            repository.push()
    assert not caught.value.passing


def test_the_history_of_a_file_is_read_beyond_what_was_cloned_at_first(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "DEPTH", 1)
    monkeypatch.setattr(repositories, "DEEPER", 2)
    forge.change("kind", "# one\nkind")
    for _ in range(3):
        forge.mention()
    forge.change("# one", "# two")
    with cloned(settings(forge)) as repository:
        seen = len(list(repository.log(forge.path)))
        assert seen == 1
        while repository.deepen():
            pass
        authors = [each.author for each in repository.log(forge.path)]
        assert authors == ["ann", "ann", "founder"]
        since = forge.git("rev-parse", f"{BRANCH}~2").strip()
        assert len(list(repository.log(forge.path, since))) == 1


def test_a_branch_that_is_not_there_is_told_at_once(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitting, "pause", _never)
    with (
        pytest.raises(PreflightError, match="the branch is not there; push it first"),
        cloned(settings(forge, "elsewhere")),
    ):
        pass


def test_a_repository_that_is_not_there_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitting, "pause", _never)
    with (
        pytest.raises(PreflightError, match="nothing was changed: git clone: there is no"),
        cloned(GitOps(str(tmp_path / "none.git"), BRANCH, FOLDER)),
    ):
        pass


def test_what_may_pass_is_tried_again_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[int] = []
    monkeypatch.setattr(gitting, "pause", pauses.append)
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise GitError("the network is away", passing=True)

    with pytest.raises(GitError, match="the network is away"):
        patiently(fail)
    assert len(tries) == gitting.TRIES
    assert pauses == list(range(gitting.TRIES - 1))


def test_pauses_grow_and_no_two_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(gitting, "FIRST_PAUSE", 0.5)
    monkeypatch.setattr(gitting.CLOCK, "sleep", slept.append)
    for attempt in range(10):
        gitting.pause(attempt)
    assert 0.25 <= slept[0] <= 0.5
    assert max(slept) <= gitting.LONGEST_PAUSE
    assert len(set(slept)) == len(slept)


def test_nothing_of_this_machines_git_takes_part(
    forge: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trace, config = tmp_path / "trace", tmp_path / "config"
    config.write_text("[user]\n\tname = Somebody Else\n[core]\n\thooksPath = /nowhere\n")
    monkeypatch.setenv("GIT_TRACE", str(trace))
    monkeypatch.setenv("GIT_TRACE_CURL", str(trace))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    with cloned(settings(forge)) as repository:
        edit(repository, forge.path, "kind: Kustomization\n")
        repository.push()
    assert not trace.exists()
    assert forge.git("log", "-1", "--format=%an").strip() == "Shipyard"


@pytest.mark.parametrize(
    ("given", "url", "scheme"),
    [
        ("https://host.test/a/b.git", "https://host.test/a/b.git", "https"),
        ("ssh://git@host.test:2222/a.git", "ssh://git@host.test:2222/a.git", "ssh"),
        ("git@host.test:a/b.git", "git@host.test:a/b.git", "ssh"),
        ("/srv/a.git", "file:///srv/a.git", "file"),
    ],
)
def test_addresses_that_are_understood(given: str, url: str, scheme: str) -> None:
    address = read_address(given)
    assert (address.url, address.scheme) == (url, scheme)


@pytest.mark.parametrize(
    "given",
    [
        "ext::sh -c touch% /tmp/x",
        "git://host.test/a.git",
        "relative/a.git",
        "--upload-pack=x",
        "-oProxyCommand=x:y",
        "https:///a.git",
        "https://host.test/a b.git",
        "",
    ],
)
def test_other_addresses_are_refused(given: str) -> None:
    with pytest.raises(PlanError, match=r"plan\.gitops\.repository is"):
        read_address(given)


def test_an_address_with_a_secret_is_refused_without_repeating_it() -> None:
    for given in ("https://bot:canary@host.test/a.git", "https://canary@host.test/a.git"):
        with pytest.raises(PlanError) as caught:
            read_address(given)
        assert "canary" not in str(caught.value)


def _never(_attempt: int) -> None:
    raise AssertionError("it was tried again")
