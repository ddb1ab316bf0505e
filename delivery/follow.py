"""Following rollouts until all are done or one is hopeless."""

import time
from collections.abc import Callable, Iterable

from delivery.cluster import ApiError, Cluster, Obj
from delivery.progress import say
from delivery.rollout import Progress, Trouble, judge

LOOK_SECONDS = 0.3
DEAF_SECONDS = 30.0
"""How long the API server may refuse to answer; a control plane that is being updated comes back."""


class Hopeless(Exception):  # noqa: N818  a verdict about the release, not a defect
    """A rollout that cannot succeed."""

    def __init__(self, deployment: str, trouble: Trouble) -> None:
        super().__init__(f"{deployment}: {trouble.reason}")
        self.deployment, self.trouble = deployment, trouble


def follow(
    cluster: Cluster,
    namespace: str,
    deployments: Iterable[str],
    seconds: float,
    alive: Callable[[], None],
) -> None:
    """Wait until every Deployment is rolled out; raise Hopeless. `alive` may raise to stop."""
    deadline = time.monotonic() + seconds
    told: dict[str, str] = {}
    first_seen: dict[str, float] = {}
    waiting = list(deployments)
    while waiting:
        alive()
        for name in list(waiting):
            progress = _look_again(cluster, namespace, name)
            if told.get(name) != progress.message:
                told[name] = progress.message
                say(progress.message)
            if progress.done:
                waiting.remove(name)
            elif progress.trouble is not None:
                since = first_seen.setdefault(name, time.monotonic())
                if time.monotonic() - since >= progress.trouble.patience:
                    raise Hopeless(name, progress.trouble)
            else:
                first_seen.pop(name, None)
        if waiting and time.monotonic() > deadline:
            trouble = Trouble(f"not rolled out within {seconds:.0f} seconds")
            raise Hopeless(waiting[0], trouble)
        if waiting:
            time.sleep(LOOK_SECONDS)


def _look_again(cluster: Cluster, namespace: str, name: str) -> Progress:
    """Judge one Deployment; an API server that does not answer is trouble only when it lasts."""
    try:
        return look(cluster, namespace, name)
    except ApiError as error:
        trouble = Trouble(f"the API server does not answer: {error}", patience=DEAF_SECONDS)
        return Progress(done=False, message=f"{name}: {trouble.reason}", trouble=trouble)


def look(cluster: Cluster, namespace: str, name: str) -> Progress:
    """Judge one Deployment as it is now."""
    deployment = get(cluster, namespace, name)
    if deployment is None:
        return Progress(done=False, message=f"{name}: waiting for the Deployment")
    selector = selector_of(deployment)
    replica_sets = cluster.items(f"/apis/apps/v1/namespaces/{namespace}/replicasets", selector)
    pods = cluster.items(f"/api/v1/namespaces/{namespace}/pods", selector)
    return judge(deployment, replica_sets, pods)


def get(cluster: Cluster, namespace: str, name: str) -> Obj | None:
    """Get a Deployment, or None."""
    return cluster.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")


def selector_of(deployment: Obj) -> str:
    """Write a Deployment's selector the way a query wants it."""
    labels = deployment["spec"]["selector"].get("matchLabels", {})
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
