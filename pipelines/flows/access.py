"""What it takes to reach the registry and the cluster of an environment, and what is refused before anything runs."""

from dataclasses import dataclass

import dagger

from pipelines.model import Environment, Mode
from pipelines.toolchains import deliverer, registry
from pipelines.toolchains.deliverer import ClusterAccess
from pipelines.toolchains.git_access import GitAccess
from pipelines.toolchains.registry import RegistryAccess


class AccessError(Exception):
    """What it takes to reach a registry or a cluster was not given; the message says how to give it."""


@dataclass(frozen=True)
class Access:
    """The two places that a release goes to."""

    registry: RegistryAccess
    cluster: ClusterAccess

    def bound(self) -> dict[str, dagger.Service]:
        """List the servers of this machine by the name that containers know them under."""
        servers = {registry.ALIAS: self.registry.registry, deliverer.ALIAS: self.cluster.cluster}
        return {alias: server for alias, server in servers.items() if server is not None}

    def require(self, environment: Environment) -> None:
        """Refuse a release that could not be pushed or delivered; raise AccessError."""
        self.require_registry(environment)
        self.require_cluster(environment, commits=True)

    def require_registry(self, environment: Environment) -> None:
        """Refuse to push to a registry on this machine that was not given, or was given by mistake."""
        given = self.registry.registry is not None or self.cluster.cluster is not None
        if not environment.registry_is_local and given:
            raise AccessError(
                f"environment {environment.name!r} publishes to {environment.registry_host}, but the"
                " registry and cluster of this machine are given (by .env or by flags), and it would"
                " end up here. To try things on this machine: --env=local. To ship"
                f" {environment.name!r} from here: move .env away and give --kubeconfig=file:PATH"
                " and --registry-token=env:TOKEN"
            )
        if environment.registry_is_local and self.registry.registry is None:
            raise AccessError(
                f"environment {environment.name!r} publishes to {environment.registry_host}, which only"
                " this machine sees. Start it with `drydock start`, which also writes .env; or give"
                f" --registry=tcp://{environment.registry_host}"
            )

    def require_cluster(self, environment: Environment, *, commits: bool) -> None:
        """Refuse to reach no cluster or another environment's, and to commit without credentials."""
        if not environment.registry_is_local and self.cluster.cluster is not None:
            raise AccessError(
                f"environment {environment.name!r} is elsewhere, but the cluster of this machine is given"
                " (by .env or by flags), and would be taken for it. For this machine: --env=local. For"
                f" {environment.name!r}: move .env away and give --kubeconfig=file:PATH"
            )
        if self.cluster.kubeconfig is None:
            raise AccessError(
                f"environment {environment.name!r} needs a cluster. Start one on this machine with"
                " `drydock start`, which also writes .env; or give --kubeconfig=env:KUBECONFIG_TEXT"
                " or --kubeconfig=file:PATH"
            )
        gitops = environment.gitops if commits and environment.mode is Mode.GITOPS else None
        lacks = _lacks(gitops.repository, self.cluster.git) if gitops else ""
        if gitops and lacks:
            raise AccessError(
                f"environment {environment.name!r} is kept in {gitops.repository} (mode: gitops), and"
                f" nobody pushes there without {lacks}"
            )


def _lacks(repository: str, given: GitAccess | None) -> str:
    """Say what the address of a git repository takes and was not given."""
    git = given or GitAccess(None)
    if repository.startswith("https://"):
        return "" if git.token else "a token: --git-token=env:GIT_TOKEN"
    if repository.startswith("ssh://") or "://" not in repository:
        complete = git.key and git.known_hosts
        return (
            "" if complete else "a key and known hosts: --git-key=file:PATH --git-known-hosts=PATH"
        )
    return ""
