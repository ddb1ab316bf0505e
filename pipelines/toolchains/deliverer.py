"""The container that a delivery runs in: Python, kubectl and the `delivery` program; git where it commits."""

from dataclasses import dataclass

import dagger
from dagger import dag

from pipelines.toolchains import python, versions
from pipelines.toolchains.git_access import GitAccess, with_access, with_git

ALIAS = "kubernetes"
"""How a bound cluster is called; the name stands in the certificates of kind, k3s, kubeadm and Drydock."""


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
        (with_git(python.base()) if git else python.base())
        .with_file("/usr/local/bin/kubectl", kubectl)
        .with_directory("/program/delivery", program)
        .with_workdir("/program")
    )
    if git and access.git is not None:
        container = with_access(container, access.git)
    if access.cluster is not None:
        container = container.with_service_binding(ALIAS, access.cluster).with_env_variable(
            "DELIVERY_CLUSTER_ALIAS", ALIAS
        )
    if access.kubeconfig is not None:
        container = container.with_mounted_secret(
            "/run/secrets/kubeconfig", access.kubeconfig
        ).with_env_variable("KUBECONFIG", "/run/secrets/kubeconfig")
    return container
