"""Access: what could not end well is refused before anything runs, with the way out."""

import pytest
from dagger import dag

from pipelines.flows.access import Access, AccessError
from pipelines.model import Environment
from pipelines.toolchains.deliverer import ClusterAccess
from pipelines.toolchains.git_access import GitAccess
from pipelines.toolchains.registry import RegistryAccess
from tests.pipelines.examples import environment

SERVER = dag.container().as_service()
KUBECONFIG = dag.set_secret("kubeconfig", "text")
NEAR, FAR = environment(), environment(registry="ghcr.io/owner")


def access(*, registry: bool = False, kubeconfig: bool = False, cluster: bool = False) -> Access:
    """Give access to what is named."""
    return Access(
        RegistryAccess(SERVER if registry else None, "", None),
        ClusterAccess(KUBECONFIG if kubeconfig else None, SERVER if cluster else None),
    )


def test_a_local_environment_with_both_servers_is_let_through() -> None:
    access(registry=True, kubeconfig=True, cluster=True).require(NEAR)


def test_a_remote_environment_needs_a_kubeconfig_only() -> None:
    access(kubeconfig=True).require(FAR)


def test_a_registry_that_only_this_machine_sees_must_be_given() -> None:
    with pytest.raises(AccessError) as caught:
        access(kubeconfig=True).require(NEAR)
    told = str(caught.value)
    assert told.startswith(
        "environment 'near' publishes to localhost:5000, which only this machine"
    )
    assert "`drydock start`" in told
    assert told.endswith("give --registry=tcp://localhost:5000")


@pytest.mark.parametrize("given", ["registry", "cluster"])
def test_a_remote_environment_is_not_shipped_onto_this_machine(given: str) -> None:
    with pytest.raises(AccessError) as caught:
        access(kubeconfig=True, **{given: True}).require(FAR)
    assert "publishes to ghcr.io, but the registry and cluster of this machine" in str(caught.value)
    assert "move .env away" in str(caught.value)


def test_delivering_needs_a_kubeconfig_and_publishing_does_not() -> None:
    without = access(registry=True)
    without.require_registry(NEAR)
    with pytest.raises(AccessError, match=r"environment .near. needs a cluster.*--kubeconfig=env:"):
        without.require(NEAR)


def kept(repository: str) -> Environment:
    """Give an environment that is kept in git."""
    return environment(registry="ghcr.io/owner", mode="gitops", gitops={"repository": repository})


def test_an_environment_that_is_kept_in_git_needs_a_token_for_its_host() -> None:
    with pytest.raises(AccessError, match=r"is kept in https://git\.example/x .*--git-token=env:"):
        access(kubeconfig=True).require(kept("https://git.example/x"))
    given = ClusterAccess(KUBECONFIG, None, GitAccess(dag.set_secret("git", "token")))
    Access(RegistryAccess(None, "", None), given).require(kept("https://git.example/x"))


@pytest.mark.parametrize("repository", ["ssh://git@git.example/x", "git@git.example:x"])
def test_over_ssh_it_needs_a_key_and_the_hosts_that_may_be_believed(repository: str) -> None:
    key, hosts = dag.set_secret("key", "text"), dag.directory().file("hosts")
    for git in (None, GitAccess(key, "", key), GitAccess(None, "", None, hosts)):
        lacking = Access(RegistryAccess(None, "", None), ClusterAccess(KUBECONFIG, None, git))
        with pytest.raises(AccessError, match="--git-key=file:PATH --git-known-hosts=PATH"):
            lacking.require(kept(repository))
    given = ClusterAccess(KUBECONFIG, None, GitAccess(None, "", key, hosts))
    Access(RegistryAccess(None, "", None), given).require(kept(repository))


def test_only_the_servers_of_this_machine_are_bound() -> None:
    assert access(kubeconfig=True).bound() == {}
    assert set(access(registry=True, cluster=True).bound()) == {"registry", "kubernetes"}


def test_what_commits_nothing_needs_no_credentials_of_git() -> None:
    near = kept("https://git.example/x")
    access(kubeconfig=True).require_cluster(near, commits=False)
    with pytest.raises(AccessError, match="--git-token=env:"):
        access(kubeconfig=True).require_cluster(near, commits=True)
    with pytest.raises(AccessError, match="needs a cluster"):
        access().require_cluster(near, commits=False)


def test_the_cluster_of_this_machine_is_not_taken_for_another() -> None:
    """Neither to look at it: what is found there would be believed of the other."""
    near = access(kubeconfig=True, cluster=True)
    with pytest.raises(AccessError, match=r"move \.env away and give --kubeconfig=file:PATH"):
        near.require_cluster(environment(registry="ghcr.io/owner"), commits=False)
    near.require_cluster(environment(registry="localhost:5000"), commits=False)
