"""The container that a delivery runs in: Python, kubectl and the `delivery` program; git where it commits."""

from dataclasses import dataclass

import dagger
from dagger import dag

from pipelines.toolchains import python, versions
from pipelines.toolchains.calendar import this_week
from pipelines.toolchains.fetching import AGAIN, fetching

ALIAS = "kubernetes"
"""How a bound cluster is called; the name stands in the certificates of kind, k3s, kubeadm and Drydock."""
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


@dataclass(frozen=True)
class ClusterAccess:
    """What it takes to reach a cluster; `cluster` is bound when it listens on this machine only.

    `git` is for environments whose deliveries are commits.
    """

    kubeconfig: dagger.Secret | None
    cluster: dagger.Service | None
    git: GitAccess | None = None


def deliverer(access: ClusterAccess, *, git: bool = False) -> dagger.Container:
    """Give a container in which `python -m delivery` can be run; with `git` for what is committed."""
    kubectl = dag.container().from_(versions.KUBECTL_IMAGE).file("/bin/kubectl")
    program = dag.current_module().source().directory("delivery").filter(include=["**/*.py"])
    container = (
        (_with_git(python.base()) if git else python.base())
        .with_file("/usr/local/bin/kubectl", kubectl)
        .with_directory("/program/delivery", program)
        .with_workdir("/program")
    )
    if git and access.git is not None:
        container = _with_key(_with_token(container, access.git), access.git)
    if access.cluster is not None:
        container = container.with_service_binding(ALIAS, access.cluster).with_env_variable(
            "DELIVERY_CLUSTER_ALIAS", ALIAS
        )
    if access.kubeconfig is not None:
        container = container.with_mounted_secret(
            "/run/secrets/kubeconfig", access.kubeconfig
        ).with_env_variable("KUBECONFIG", "/run/secrets/kubeconfig")
    return container


def _with_git(container: dagger.Container) -> dagger.Container:
    """Install git, anew each week: it talks to other people's servers."""
    return (
        fetching(container)
        .with_env_variable("DEBIAN_FRONTEND", "noninteractive")
        .with_env_variable("ARCHIVE_OF", this_week())
        .with_exec(["sh", "-c", _GIT])
    )


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
