"""The container that delivers: git and its token are there where a release is a commit, and only there."""

from typing import Any

import dagger
import pytest
from dagger import dag

from pipelines.toolchains.deliverer import ClusterAccess, deliverer
from pipelines.toolchains.git_access import TOKEN_FILE, GitAccess

TOKEN = dag.set_secret("git-token", "canary")
KUBECONFIG = dag.set_secret("kubeconfig", "text")


def steps(container: dagger.Container) -> list[tuple[str, dict[str, Any]]]:
    """Tell how a container is asked of an engine: the fields of its query with their arguments."""
    return [(field.name, dict(field.args)) for field in container._ctx.selections]


def environment(container: dagger.Container) -> dict[str, str]:
    """Give the variables that are set."""
    return {
        args["name"]: args["value"] for name, args in steps(container) if name == "withEnvVariable"
    }


def installed(container: dagger.Container) -> str:
    """Give the commands that are run."""
    return "\n".join(
        " ".join(args["args"]) for name, args in steps(container) if name == "withExec"
    )


@pytest.mark.parametrize("git", [None, GitAccess(TOKEN, "bot")])
def test_where_a_release_is_applied_there_is_neither_git_nor_its_token(
    git: GitAccess | None,
) -> None:
    container = deliverer(ClusterAccess(KUBECONFIG, None, git))
    assert installed(container) == ""
    assert not any("GIT" in name for name in environment(container))
    mounted = [args["path"] for name, args in steps(container) if name == "withMountedSecret"]
    assert mounted == ["/run/secrets/kubeconfig"]


def test_where_a_release_is_a_commit_git_is_installed_and_finds_the_token_in_a_file() -> None:
    container = deliverer(ClusterAccess(KUBECONFIG, None, GitAccess(TOKEN, "bot")), git=True)
    for package in ("ca-certificates", "git", "openssh-client"):
        assert f" {package}" in installed(container)
    found = environment(container)
    assert found["DELIVERY_GIT_TOKEN_FILE"] == TOKEN_FILE
    assert found["DELIVERY_GIT_USERNAME"] == "bot"
    mounted = {
        args["path"]: args["source"]
        for name, args in steps(container)
        if name == "withMountedSecret"
    }
    assert mounted[TOKEN_FILE] is TOKEN


def test_the_token_is_handed_over_as_a_secret_and_in_no_other_way() -> None:
    container = deliverer(ClusterAccess(None, None, GitAccess(TOKEN)), git=True)
    assert "canary" not in str([(name, args) for name, args in steps(container)])
    assert "DELIVERY_GIT_TOKEN" not in environment(container)


def test_a_repository_that_asks_for_no_token_needs_none() -> None:
    container = deliverer(ClusterAccess(None, None, GitAccess(None)), git=True)
    assert "DELIVERY_GIT_TOKEN_FILE" not in environment(container)
    assert " git " in installed(container)


def test_over_ssh_the_key_is_a_secret_and_the_hosts_are_a_file() -> None:
    hosts = dag.directory().file("hosts")
    access = GitAccess(None, "", TOKEN, hosts)
    container = deliverer(ClusterAccess(None, None, access), git=True)
    found = environment(container)
    mounted = {
        args["path"]: (name, args["source"]) for name, args in steps(container) if "source" in args
    }
    assert mounted[found["DELIVERY_GIT_SSH_KEY"]] == ("withMountedSecret", TOKEN)
    assert mounted[found["DELIVERY_GIT_KNOWN_HOSTS"]] == ("withMountedFile", hosts)
