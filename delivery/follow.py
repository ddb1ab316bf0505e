"""Following rollouts until all are done or one is hopeless."""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from delivery.clock import CLOCK, Clock
from delivery.cluster import ApiError, Cluster, Obj, passing
from delivery.progress import say
from delivery.rollout import Progress, Trouble, judge

LOOK_SECONDS = 0.3
DEAF_SECONDS = 30.0
"""How long the API server may refuse to answer; a control plane that is being updated comes back."""
Answer = TypeVar("Answer")


class Hopeless(Exception):  # noqa: N818  a verdict about the release, not a defect
    """A rollout that cannot succeed."""

    def __init__(self, deployment: str, trouble: Trouble) -> None:
        super().__init__(f"{deployment}: {trouble.reason}")
        self.deployment, self.trouble = deployment, trouble


class Watch:
    """Rollouts under way, each with its own time from the moment it began."""

    def __init__(self, cluster: Cluster, namespace: str, seconds: float) -> None:
        self._cluster, self._namespace, self._seconds = cluster, namespace, seconds
        self._begun: dict[str, float] = {}
        self._told: dict[str, str] = {}
        self._troubled: dict[str, float] = {}

    @property
    def waiting(self) -> list[str]:
        """List the Deployments that are not rolled out yet."""
        return list(self._begun)

    def begin(self, deployments: Iterable[str]) -> None:
        """Watch these too, from now on."""
        self._begun |= dict.fromkeys(deployments, time.monotonic())

    def look(self) -> None:
        """Look at each one once; raise Hopeless."""
        for name, begun in list(self._begun.items()):
            progress = _look_again(self._cluster, self._namespace, name)
            if self._told.get(name) != progress.message:
                self._told[name] = progress.message
                say(progress.message)
            if progress.done:
                del self._begun[name]
                continue
            self._judge(name, progress.trouble)
            if time.monotonic() - begun > self._seconds:
                trouble = Trouble(f"not rolled out within {self._seconds:.0f} seconds")
                raise Hopeless(name, trouble)

    def _judge(self, name: str, trouble: Trouble | None) -> None:
        """Give up on what stays in trouble for longer than its patience."""
        if trouble is None:
            self._troubled.pop(name, None)
            return
        since = self._troubled.setdefault(name, time.monotonic())
        if time.monotonic() - since >= trouble.patience:
            raise Hopeless(name, trouble)


def follow(
    cluster: Cluster,
    namespace: str,
    deployments: Iterable[str],
    seconds: float,
    alive: Callable[[], None],
) -> None:
    """Wait until every Deployment is rolled out; raise Hopeless. `alive` may raise to stop."""
    watch = Watch(cluster, namespace, seconds)
    watch.begin(deployments)
    while watch.waiting:
        alive()
        watch.look()
        if watch.waiting:
            time.sleep(LOOK_SECONDS)


def patiently(
    ask: Callable[[], Answer], alive: Callable[[], None] = lambda: None, clock: Clock = CLOCK
) -> Answer:
    """Ask until the API server answers; raise ApiError when its silence lasts, or its refusal will not pass."""
    begun = clock.monotonic()
    while True:
        alive()
        try:
            return ask()
        except ApiError as error:
            if not passing(error) or clock.monotonic() - begun > DEAF_SECONDS:
                raise
            say(f"trying again: {error}")
        clock.sleep(LOOK_SECONDS)


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
