"""The Application of an environment: what Argo CD reads, where it puts it, and when it does so by itself.

It syncs by itself where nobody has to approve, and where a delivery waits for it (`mode: gitops`; the approval is then before the
commit). Elsewhere a person syncs. There is no finalizer: to remove an Application is not to remove what people use.
Server-side apply is off: a Service's selector is one value there, and applying it would take the colour away.
"""

from collections.abc import Sequence

from pipelines.argocd.differences import ignored
from pipelines.argocd.patches import patches
from pipelines.argocd.project import NAMESPACE, PART_OF, PROJECT, SERVER, Obj
from pipelines.catalog.addresses import Addresses
from pipelines.model import Approval, Environment, GitOps, Mode, Service

SUBSCRIPTIONS = ("on-sync-failed", "on-health-degraded", "on-sync-succeeded")
CHANNEL = "deployments"
"""The Slack channel; a team that has another writes it into `install/values.yaml` and here."""
RETRY = {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}
OPTIONS = ("ApplyOutOfSyncOnly=true", "PruneLast=true", "RespectIgnoreDifferences=true")


def application(environment: Environment, services: Sequence[Service], addresses: Addresses) -> Obj:
    """Make the Application of an environment that runs these services."""
    source = source_of(environment, addresses)
    automated = environment.mode is Mode.GITOPS or environment.approval is Approval.NONE
    policy: Obj = {"automated": {"prune": True, "selfHeal": True}} if automated else {}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": f"{PROJECT}-{environment.name}",
            "namespace": NAMESPACE,
            "labels": PART_OF,
            "annotations": {
                f"notifications.argoproj.io/subscribe.{trigger}.slack": CHANNEL
                for trigger in SUBSCRIPTIONS
            },
        },
        "spec": {
            "project": PROJECT,
            "source": {
                "repoURL": source.repository,
                "targetRevision": source.branch,
                "path": source.folder,
                "kustomize": {"patches": patches(environment, services)},
            },
            "destination": {"server": SERVER, "namespace": environment.namespace},
            "syncPolicy": {**policy, "syncOptions": list(OPTIONS), "retry": RETRY},
            "ignoreDifferences": ignored(environment, services),
            "revisionHistoryLimit": 10,
        },
    }


def source_of(environment: Environment, addresses: Addresses) -> GitOps:
    """Tell where an environment's overlay is read from: where a delivery commits to, else where this repository is."""
    own = GitOps(repository=addresses.repository, branch=addresses.branch, folder=environment.path)
    return environment.gitops or own
