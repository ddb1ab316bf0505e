"""What it takes to push to an environment's git repository, and how a container gets it.

Called by the deliverer where a release is a commit. Only names of files are in the open: token and key are mounted secrets.
"""

from dataclasses import dataclass

import dagger

from pipelines.toolchains.calendar import this_week
from pipelines.toolchains.fetching import AGAIN, fetching

TOKEN_FILE = "/run/secrets/git-token"  # noqa: S105  where it is mounted, not what it is
KEY_FILE, HOSTS_FILE = "/run/secrets/git-key", "/run/git-known-hosts"
_APT = f"{AGAIN} apt-get -qq -o Acquire::http::Timeout=30 -o APT::Update::Error-Mode=any"
_GIT = (
    f"{_APT} update"
    f" && {_APT} install --yes --no-install-recommends ca-certificates git openssh-client"
    " && rm -rf /var/lib/apt/lists/*"
)


@dataclass(frozen=True)
class GitAccess:
    """What it takes to push to an environment's git repository: a token for https, a key and known hosts for ssh.

    Hosts that look at the name want one.
    """

    token: dagger.Secret | None
    username: str = ""
    key: dagger.Secret | None = None
    known_hosts: dagger.File | None = None


def with_git(container: dagger.Container) -> dagger.Container:
    """Install git, anew each week: it talks to other people's servers."""
    return (
        fetching(container)
        .with_env_variable("DEBIAN_FRONTEND", "noninteractive")
        .with_env_variable("ARCHIVE_OF", this_week())
        .with_exec(["sh", "-c", _GIT])
    )


def with_access(container: dagger.Container, access: GitAccess) -> dagger.Container:
    """Give what was given, under the names that `delivery` reads."""
    return _with_key(_with_token(container, access), access)


def _with_token(container: dagger.Container, access: GitAccess) -> dagger.Container:
    """Let git's questions be answered from a mounted secret; only the name of the file is in the open."""
    if access.username:
        container = container.with_env_variable("DELIVERY_GIT_USERNAME", access.username)
    if access.token is None:
        return container
    return container.with_mounted_secret(TOKEN_FILE, access.token).with_env_variable(
        "DELIVERY_GIT_TOKEN_FILE", TOKEN_FILE
    )


def _with_key(container: dagger.Container, access: GitAccess) -> dagger.Container:
    """Let ssh use one key and believe the hosts of one file."""
    if access.key is not None:
        container = container.with_mounted_secret(KEY_FILE, access.key).with_env_variable(
            "DELIVERY_GIT_SSH_KEY", KEY_FILE
        )
    if access.known_hosts is not None:
        container = container.with_mounted_file(HOSTS_FILE, access.known_hosts).with_env_variable(
            "DELIVERY_GIT_KNOWN_HOSTS", HOSTS_FILE
        )
    return container
