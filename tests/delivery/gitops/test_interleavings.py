"""Other committers and a bad network, in any order: nobody's commit is lost, and ours is there once or not at all."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.errors import Refused
from delivery.gitops import publish as publishing
from delivery.gitops.git import GitError
from delivery.gitops.kustomization import read_pins, write_pins
from delivery.gitops.overlay import Overlay
from delivery.gitops.pins import Pin, read_pin
from delivery.gitops.publish import Desk, publish
from delivery.gitops.repository import Repository, cloned
from delivery.modes import GitOps
from tests.delivery.gitops.conftest import reference
from tests.delivery.gitops.forge import BRANCH, FOLDER, Forge

BEFORE, OURS, THEIRS = (read_pin(reference(name)) for name in ("before", "ours", "theirs"))
ACTS = ("nothing", "a word", "another service", "theirs", "ours", "cut off before", "cut off after")


class Others:
    """Act before each of our pushes, in the order given."""

    def __init__(self, forge: Forge, acts: list[str]) -> None:
        self._forge, self._acts = forge, list(acts)
        self.commits: list[str] = []
        self.moved = False

    def pushed(self, repository: Repository) -> None:
        """Take the place of our push."""
        act = self._acts.pop(0) if self._acts else "nothing"
        pins = {
            "another service": {"frontend": THEIRS},
            "theirs": {"backend": THEIRS},
            "ours": {"backend": OURS},
        }
        if act == "a word":
            self._forge.mention()
            self.commits.append(self._forge.head())
        elif act in pins:
            self._pin(pins[act])
        elif act == "cut off before":
            raise GitError("git push: the line is cut", passing=True)
        original_push(repository)
        if act == "cut off after":
            raise GitError("git push: the line is cut", passing=True)

    def _pin(self, pins: dict[str, Pin]) -> None:
        with self._forge.person("cat") as tree:
            path = tree / self._forge.path
            path.write_text(write_pins(path.read_text(), pins))
        self.commits.append(self._forge.head())
        self.moved = self.moved or pins.get("backend") == THEIRS


original_push = Repository.push


@pytest.fixture(autouse=True, scope="module")
def _at_once() -> Iterator[None]:
    """Pause nowhere; there is nobody to wait for."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publishing, "pause", lambda _attempt: None)
        yield


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(ACTS), max_size=5))
def test_no_order_of_events_loses_a_commit_or_makes_two(acts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        forge = Forge(Path(folder) / "forge")
        with forge.person("founder") as tree:
            path = tree / forge.path
            path.parent.mkdir(parents=True)
            path.write_text(write_pins("kind: Kustomization\n", {"backend": BEFORE}))
        others = Others(forge, acts)

        def push(repository: Repository) -> None:
            others.pushed(repository)

        patched.setattr(Repository, "push", push)
        outcome = _published(forge)
        history = forge.git("rev-list", BRANCH).split()
        assert forge.git("rev-list", "--merges", BRANCH) == ""
        assert set(others.commits) <= set(history)
        ours = [each for each in forge.messages() if each == "Deliver"]
        now = read_pins(forge.text())["backend"]
        assert (outcome == "refused") == others.moved
        if others.moved:
            assert (now, ours) == (THEIRS, [])
        else:
            assert now == OURS
            assert len(ours) == (1 if outcome else 0)
            assert outcome in ("", *history)


def _published(forge: Forge) -> str:
    where = GitOps(forge.address, BRANCH, FOLDER)
    with cloned(where) as repository:
        desk = Desk(repository, Overlay(repository.folder, FOLDER))
        try:
            return publish(desk, {"backend": OURS}, "Deliver\n", lambda *_texts: None)
        except Refused:
            return "refused"
