"""Over ssh: one key, and only hosts that are known beforehand. The ssh of these tests goes nowhere but is asked by real git."""

import os
from pathlib import Path

import pytest

from delivery.errors import PreflightError
from delivery.gitops import git as gitting
from delivery.gitops.repository import cloned
from delivery.modes import GitOps
from tests.delivery.gitops.forge import BRANCH, FOLDER, Forge


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an ssh into the way that writes down how it is asked and runs the command here; give its notes."""
    notes, bin_ = tmp_path / "asked", tmp_path / "bin"
    bin_.mkdir()
    script = f'#!/bin/sh\necho "$@" >> {notes}\nfor last; do :; done\nexec sh -c "$last"\n'
    (bin_ / "ssh").write_text(script)
    (bin_ / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    for name in ("SSH_KEY", "KNOWN_HOSTS"):
        (tmp_path / name).touch()
        monkeypatch.setenv(f"DELIVERY_GIT_{name}", str(tmp_path / name))
    return notes


def test_a_commit_goes_over_ssh_with_one_key_and_known_hosts_only(
    forge: Forge, asked: Path, tmp_path: Path
) -> None:
    with cloned(GitOps(f"ssh://git@host.test{forge.bare}", BRANCH, FOLDER)) as repository:
        (repository.folder / forge.path).write_text("kind: Kustomization\n")
        commit = repository.commit(forge.path, "Deliver\n")
        repository.push()
    assert forge.head() == commit
    lines = asked.read_text().splitlines()
    assert {
        word for line in lines for word in ("upload", "receive") if f"git-{word}-pack" in line
    } == {
        "upload",
        "receive",
    }
    for line in lines:
        assert f"-F /dev/null -i {tmp_path / 'SSH_KEY'}" in line
        assert f"UserKnownHostsFile={tmp_path / 'KNOWN_HOSTS'}" in line
        assert "StrictHostKeyChecking=yes" in line
        assert "BatchMode=yes" in line


def test_a_host_that_is_not_known_is_told_at_once(
    forge: Forge, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_attempt: int) -> None:
        raise AssertionError("it was tried again")

    monkeypatch.setattr(gitting, "pause", never)
    script = asked.parent / "bin/ssh"
    script.write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    with (
        pytest.raises(PreflightError, match="key is not in the known-hosts file"),
        cloned(GitOps(f"git@host.test:{forge.bare.name}", BRANCH, FOLDER)),
    ):
        pass
