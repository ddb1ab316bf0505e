"""Others push to the branch too: theirs is built upon, or counts, and is never written over."""

from typing import Any

import pytest

from delivery.cluster import Cluster
from delivery.gitops import converge, publish
from delivery.gitops.repository import Repository
from tests.delivery.conftest import digest
from tests.delivery.gitops.argo import Argo
from tests.delivery.gitops.conftest import Deliver
from tests.delivery.gitops.forge import Forge
from tests.delivery.gitops.seen import Capture, history, running, said

pytestmark = pytest.mark.usefixtures("node")


def test_commits_of_others_are_built_upon(
    deliver: Deliver, forge: Forge, argo: Argo, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    push, others = Repository.push, 2

    def outrun(repository: Repository) -> None:
        nonlocal others
        if others:
            others -= 1
            forge.mention(f"person{others}")
        push(repository)

    monkeypatch.setattr(Repository, "push", outrun)
    assert deliver(backend="one") == 0
    assert forge.messages() == [
        "Deliver backend one to test",
        "a word",
        "a word",
        "a change by hand",
    ]
    assert said(capsys)[1].count("somebody pushed first") == 2
    assert argo.synced[-1] == forge.head()


def test_a_branch_that_never_stands_still_is_given_up(
    deliver: Deliver, forge: Forge, argo: Argo, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    push = Repository.push

    def outrun(repository: Repository) -> None:
        forge.mention()
        push(repository)

    monkeypatch.setattr(Repository, "push", outrun)
    monkeypatch.setattr(publish, "TRIES", 3)
    assert deliver(backend="one") == 3
    assert "moved on 3 times" in said(capsys)[0]["summary"]
    assert "images:" not in forge.text()
    argo.stop()


def test_an_image_that_somebody_else_commits_at_the_same_time_is_not_written_over(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    assert deliver(backend="one") == 0
    push = Repository.push

    def outrun(repository: Repository) -> None:
        monkeypatch.setattr(Repository, "push", push)
        forge.change(digest("one"), digest("theirs"))
        push(repository)

    monkeypatch.setattr(Repository, "push", outrun)
    assert deliver(backend="two") == 3
    result, _ = said(capsys)
    assert (
        f"backend: commit {forge.head()[:10]} of ann (a change by hand) changed"
        in result["summary"]
    )
    assert "Rule: what was committed later counts" in result["summary"]
    assert "Way out: " in result["summary"]
    assert digest("theirs") in forge.text()
    assert [each for each in history(cluster, namespace) if each[2] == "two"] == []
    argo.stop()


def test_an_image_that_somebody_else_commits_while_the_cluster_is_waited_for_counts(
    deliver: Deliver,
    forge: Forge,
    cluster: Cluster,
    argo: Argo,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    assert deliver(backend="one") == 0
    argo.stop()
    monkeypatch.setattr(converge, "ASK_SECONDS", 0.1)
    original = converge.lacking

    def late(*args: Any) -> list[str]:
        if digest("two") in forge.text():
            forge.change(digest("two"), digest("theirs"))
        return original(*args)

    monkeypatch.setattr(converge, "lacking", late)
    assert deliver(backend="two") == 4
    result, _ = said(capsys)
    assert result["outcome"] == "Overtaken"
    assert "It put nothing back" in result["summary"]
    assert digest("theirs") in forge.text()
    assert history(cluster, namespace)[0] == ("deploy", "overtaken", "two")


def test_a_push_that_is_forbidden_changes_nothing_and_is_not_tried_again(
    deliver: Deliver, forge: Forge, cluster: Cluster, namespace: str, capsys: Capture
) -> None:
    hook = forge.bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert deliver(backend="one") == 3
    told = said(capsys)[0]["summary"]
    assert "the commit was not taken, and nothing was changed" in told
    assert "pre-receive hook declined" in told
    assert running(cluster, namespace) == ""


def test_a_push_whose_answer_got_lost_is_found_on_the_branch(
    deliver: Deliver, forge: Forge, argo: Argo, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = Repository.push

    def cut_off(repository: Repository) -> None:
        push(repository)
        monkeypatch.setattr(Repository, "push", push)
        raise publish.GitError("git push: the remote end hung up", passing=True)

    monkeypatch.setattr(Repository, "push", cut_off)
    assert deliver(backend="one") == 0
    assert forge.messages() == ["Deliver backend one to test", "a change by hand"]
    assert argo.synced[-1] == forge.head()
