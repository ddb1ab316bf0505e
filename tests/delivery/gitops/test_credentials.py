"""The token gets to the git host, and to no place where anybody could see it."""

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.errors import PreflightError
from delivery.gitops.address import read_address
from delivery.gitops.credentials import read_credentials
from delivery.gitops.git import GitError
from delivery.gitops.repository import cloned
from delivery.modes import GitOps
from tests.delivery.gitops.conftest import Deliver
from tests.delivery.gitops.forge import BRANCH, FOLDER, Forge, over_http

CANARY = "canary+token/with=signs"
FORMS = (
    CANARY,
    "canary%2Btoken%2Fwith%3Dsigns",
    base64.b64encode(CANARY.encode()).decode(),
    base64.b64encode(f"x-access-token:{CANARY}".encode()).decode(),
)


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write down the arguments and the folders of every git process; give the file."""
    log, bin_ = tmp_path / "arguments", tmp_path / "bin"
    real = shutil.which("git")
    bin_.mkdir()
    log.touch()
    (bin_ / "git").write_text(f'#!/bin/sh\necho "$PWD: $*" >> {log}\nexec {real} "$@"\n')
    (bin_ / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    return log


@pytest.fixture(params=["file", "environment"])
def token(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the token in a file or in the environment."""
    if request.param == "file":
        path = tmp_path / "token"
        path.write_text(f"{CANARY}\n")
        monkeypatch.setenv("DELIVERY_GIT_TOKEN_FILE", str(path))
    else:
        monkeypatch.setenv("DELIVERY_GIT_TOKEN", CANARY)
    return CANARY


def files(folder: Path) -> Iterator[str]:
    """Give the contents of every file below a folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode(errors="replace")


def test_the_token_is_in_no_argument_file_address_or_reflog(
    forge: Forge, token: str, arguments: Path
) -> None:
    with (
        over_http(forge, token) as users,
        cloned(GitOps(forge.address, BRANCH, FOLDER)) as repository,
    ):
        path = repository.folder / forge.path
        path.write_text("kind: Kustomization\n")
        repository.commit(forge.path, "Deliver\n")
        repository.push()
        seen = "\n".join([*files(repository.folder.parent), arguments.read_text()])
    assert forge.text() == "kind: Kustomization\n"
    assert "x-access-token" in users
    assert "push --porcelain origin" in seen
    for form in FORMS:
        assert form not in seen


def test_a_user_name_goes_along_when_the_host_wants_one(
    forge: Forge, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVERY_GIT_USERNAME", "gitlab-ci-token")
    with over_http(forge, token) as users, cloned(GitOps(forge.address, BRANCH, FOLDER)):
        assert users[-1] == "gitlab-ci-token"


@pytest.mark.usefixtures("node", "argo")
def test_a_whole_delivery_over_http_shows_the_token_nowhere(
    forge: Forge, deliver: Deliver, token: str, arguments: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with over_http(forge, token):
        assert deliver(backend="one") == 0
    told = capfd.readouterr()
    assert forge.messages()[0] == "Deliver backend one to test"
    everything = told.out + told.err + arguments.read_text() + forge.git("log", "--format=%B")
    for form in FORMS:
        assert form not in everything


@pytest.mark.usefixtures("node")
def test_a_wrong_token_is_refused_at_once_and_not_shown(
    forge: Forge, deliver: Deliver, token: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with over_http(forge, "another") as users:
        assert deliver(backend="one") == 3
        assert users.count("x-access-token") <= 2
    told = capfd.readouterr()
    assert "the credentials are refused" in told.out
    assert token not in told.out + told.err


@pytest.mark.usefixtures("node")
def test_without_a_token_it_is_said_that_one_is_asked_for(
    forge: Forge, deliver: Deliver, capfd: pytest.CaptureFixture[str]
) -> None:
    with over_http(forge, CANARY):
        assert deliver(backend="one") == 3
    assert "credentials are asked for, and none were given" in capfd.readouterr().out


def test_what_a_server_repeats_is_censored_in_every_form(tmp_path: Path) -> None:
    given = {"DELIVERY_GIT_TOKEN": CANARY}
    credentials = read_credentials(read_address("https://host.test/a.git"), tmp_path, given)
    told = credentials.censor(" and ".join(FORMS))
    assert told == " and ".join(["***"] * len(FORMS))


def test_errors_of_git_are_censored(forge: Forge, token: str) -> None:
    hook = forge.bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho 'you sent {token}' >&2\nexit 1\n")
    hook.chmod(0o755)
    with over_http(forge, token), cloned(GitOps(forge.address, BRANCH, FOLDER)) as repository:
        (repository.folder / forge.path).write_text("kind: Kustomization\n")
        repository.commit(forge.path, "Deliver\n")
        with pytest.raises(GitError) as caught:
            repository.push()
    assert "pre-receive hook declined" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_the_script_is_for_its_owner_alone_and_holds_no_token(tmp_path: Path) -> None:
    given = {"DELIVERY_GIT_TOKEN": CANARY}
    credentials = read_credentials(read_address("https://host.test/a.git"), tmp_path, given)
    script = Path(credentials.environment["GIT_ASKPASS"])
    assert script.stat().st_mode & 0o777 == 0o700
    assert CANARY not in script.read_text()
    environment = {"PATH": os.environ["PATH"], **credentials.environment}
    for question, answer in (
        ("Username for 'x': ", "x-access-token"),
        ("Password for 'x': ", CANARY),
    ):
        told = subprocess.run(
            [str(script), question], env=environment, capture_output=True, text=True, check=True
        )
        assert told.stdout == f"{answer}\n"


def test_a_token_goes_over_no_line_that_others_can_read(tmp_path: Path) -> None:
    given = {"DELIVERY_GIT_TOKEN": CANARY}
    with pytest.raises(PreflightError, match=r"would go over http to host\.test") as caught:
        read_credentials(read_address("http://host.test/a.git"), tmp_path, given)
    assert CANARY not in str(caught.value)
    assert read_credentials(read_address("http://host.test/a.git"), tmp_path, {}).environment == {}


@pytest.mark.parametrize("content", ["", "\n", None])
def test_a_token_file_without_a_token_is_told(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    given = {"DELIVERY_GIT_TOKEN_FILE": str(path)}
    with pytest.raises(PreflightError, match="DELIVERY_GIT_TOKEN_FILE"):
        read_credentials(read_address("https://host.test/a.git"), tmp_path, given)


def test_ssh_wants_a_key_and_the_hosts_that_may_be_believed(tmp_path: Path) -> None:
    key, hosts = tmp_path / "key", tmp_path / "hosts"
    address = read_address("git@host.test:a.git")
    given: dict[str, str] = {}
    with pytest.raises(PreflightError, match="DELIVERY_GIT_SSH_KEY is not given"):
        read_credentials(address, tmp_path, given)
    key.touch()
    given["DELIVERY_GIT_SSH_KEY"] = str(key)
    with pytest.raises(PreflightError, match="DELIVERY_GIT_KNOWN_HOSTS is not given"):
        read_credentials(address, tmp_path, given)
    given["DELIVERY_GIT_KNOWN_HOSTS"] = str(hosts)
    with pytest.raises(PreflightError, match="not a file"):
        read_credentials(address, tmp_path, given)
    hosts.touch()
    command = read_credentials(address, tmp_path, given).environment["GIT_SSH_COMMAND"]
    assert f"-i {key}" in command
    assert "StrictHostKeyChecking=yes" in command
    assert f"UserKnownHostsFile={hosts}" in command
