"""The git program: run with an environment of its own, so that nothing of this machine's git takes part.

Every failure is a GitError, which says whether it may pass by itself. What git wrote is censored.
"""

import os
import random
import subprocess
from collections.abc import Callable, Container
from pathlib import Path
from typing import TypeVar

from delivery.clock import CLOCK
from delivery.errors import DeliveryError, PreflightError
from delivery.gitops.credentials import Credentials
from delivery.progress import say

T = TypeVar("T")
SECONDS = 120.0
AUTHOR = "DELIVERY_GIT_AUTHOR"
DEFAULT_AUTHOR = "Shipyard <shipyard@localhost>"
TRIES = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
_KEPT = ("PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_SETTINGS = {
    "advice.detachedHead": "false",
    "commit.gpgSign": "false",
    "core.hooksPath": "/dev/null",
    "credential.helper": "",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "30",
    "i18n.logOutputEncoding": "UTF-8",
    "submodule.recurse": "false",
}
_LASTING = {
    "authentication failed": "the credentials are refused",
    "could not read username": "credentials are asked for, and none were given",
    "could not read password": "credentials are asked for, and none were given",
    "permission denied (": "the ssh key is refused",
    "host key verification failed": "the host's key is not in the known-hosts file",
    "returned error: 401": "the credentials are refused",
    "returned error: 403": "the credentials give no right to this",
    "returned error: 404": "there is no such repository, or the credentials may not see it",
    "unable to update url base from redirection": "the address redirects; give the one it leads to",
    "not found in upstream": "the branch is not there; push it first",
    "couldn't find remote ref": "the branch is not there; push it first",
    "does not appear to be a git repository": "there is no git repository",
    "does not exist": "there is no such repository",
    "transport '": "this kind of address is not allowed",
}
"""What git says, in small letters, when trying again is no use, and what that means."""


class GitError(DeliveryError):
    """git ended with an error; `passing` tells whether it may pass by itself."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


class Git:
    """git in one folder, with some credentials."""

    def __init__(self, folder: Path, home: Path, credentials: Credentials) -> None:
        self.folder = folder
        self._credentials = credentials
        self._environment = _environment(home) | dict(credentials.environment)

    def run(self, *args: str, stdin: str = "", good: Container[int] = (0,)) -> str:
        """Run git and return its standard output; raise GitError when its exit code is not good."""
        try:
            done = subprocess.run(
                ["git", *args],
                cwd=self.folder,
                env=self._environment,
                input=stdin.encode(),
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            told = f"git {args[0]} did not end within {SECONDS:.0f} seconds"
            raise GitError(told, passing=True) from error
        except OSError as error:
            raise PreflightError(f"git cannot be started: {error}") from error
        if done.returncode not in good:
            raise self._error(args[0], done.returncode, done.stderr + done.stdout)
        return done.stdout.decode(errors="replace")

    def _error(self, verb: str, code: int, output: bytes) -> GitError:
        told = self._credentials.censor(output.decode(errors="replace").strip())
        why = next((why for words, why in _LASTING.items() if words in told.lower()), "")
        said = told or f"exit code {code}"
        return GitError(
            f"git {verb}: {why}: {said}" if why else f"git {verb}: {said}", passing=not why
        )


def patiently(work: Callable[[], T]) -> T:
    """Do something over a network; again, a bounded number of times, while what fails may pass."""
    for attempt in range(TRIES):
        try:
            return work()
        except GitError as error:
            if not error.passing or attempt == TRIES - 1:
                raise
            say(f"{error}\nonce more in a moment")
        pause(attempt)
    raise AssertionError("the last try returns or raises")


def pause(attempt: int) -> None:
    """Wait before another try: longer each time, and never two of us in step."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
    CLOCK.sleep(random.SystemRandom().uniform(longest / 2, longest))


def _environment(home: Path) -> dict[str, str]:
    """Make the environment from nothing; traces would show what is sent, so none is passed on."""
    kept = {key: os.environ[key] for key in (*_KEPT, *_PROXIES) if key in os.environ}
    name, _, address = (os.environ.get(AUTHOR) or DEFAULT_AUTHOR).partition("<")
    who = {"NAME": name.strip() or "Shipyard", "EMAIL": address.strip().rstrip(">") or "shipyard"}
    people = {f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who}
    settings = {"GIT_CONFIG_COUNT": str(len(_SETTINGS))}
    for at, (key, value) in enumerate(_SETTINGS.items()):
        settings |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return {
        **kept,
        **people,
        **settings,
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
    }
