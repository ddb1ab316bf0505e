"""The rolling strategy: what to go back to, and going back, with `kubectl rollout undo`.

The services of a plan that are rolled out this way belong together: when one fails, all go back.
"""

from collections.abc import Callable, Iterable

from delivery.cluster import Cluster, KubectlError, Obj
from delivery.errors import DeliveryError, PreflightError, Refused, RollbackError
from delivery.evidence import collect
from delivery.follow import Hopeless, follow, get
from delivery.history import Entry, entries
from delivery.ownership import take_over
from delivery.plan import Plan, Service
from delivery.progress import say
from delivery.render import VERSION
from delivery.revisions import Before, remember, template_of, without_earlier
from delivery.rollout import revision
from delivery.verify import verify

ROLLED_BACK = "rolled back"
"""The verdict in the history after which there is nothing good to roll back to."""


def undo(cluster: Cluster, plan: Plan, before: dict[str, Before], alive: Callable[[], None]) -> str:
    """Put back what a release changed; return what became of it, raise RollbackError."""
    changed = changed_since(cluster, plan.namespace, before)
    back = [name for name in changed if before[name].revision]
    stay = [name for name in changed if not before[name].revision]
    if not changed:
        return "This release changed no pods, so nothing was rolled back."
    if not back:
        return "No release worked before, so there is nothing to roll back to; it stays as it is."
    try:
        _put_all_back(cluster, plan.namespace, {name: before[name].revision for name in back})
        follow(cluster, plan.namespace, back, plan.rollout_seconds, alive)
        remember(cluster, plan.namespace, back)
    except (Hopeless, DeliveryError) as error:
        told = f"the rollback of {', '.join(back)} failed too: {error}"
        raise RollbackError(
            f"{told}. It needs a person: kubectl -n {plan.namespace} get pods"
        ) from error
    told = "Rolled back: " + "\n".join(line(cluster, plan.namespace, name) for name in back)
    return f"{told}\nNever worked before, so left as it is: {', '.join(stay)}" if stay else told


def changed_since(cluster: Cluster, namespace: str, before: dict[str, Before]) -> list[str]:
    """List the Deployments whose pods are described otherwise than before."""
    now = {name: get(cluster, namespace, name) for name in before}
    return [
        name for name, each in now.items() if each and template_of(each) != before[name].template
    ]


def check_rollback(cluster: Cluster, namespace: str, services: Iterable[Service]) -> None:
    """Refuse to go where nothing good is; nothing was changed."""
    names = [service.name for service in services]
    lacking = without_earlier(cluster, namespace, names)
    if lacking:
        told = f"no revision before the present one: {', '.join(lacking)}"
        raise PreflightError(f"{told}. Nothing was changed; name the services to put back")
    for name in names:
        last = next(iter(entries(cluster, namespace, name)), None)
        if last is not None:
            _check_last(name, last)


def rollback(
    cluster: Cluster, plan: Plan, services: list[Service], alive: Callable[[], None]
) -> None:
    """Put back the revision before the present one and verify it."""
    names = [service.name for service in services]
    _put_all_back(cluster, plan.namespace, dict.fromkeys(names, ""))
    try:
        follow(cluster, plan.namespace, names, plan.rollout_seconds, alive)
    except Hopeless as hopeless:
        collect(cluster, plan.namespace, hopeless.deployment, hopeless.trouble.pod)
        raise RollbackError(f"the revision before does not come up: {hopeless}") from hopeless
    verify(cluster, plan.namespace, services)
    remember(cluster, plan.namespace, names)


def line(cluster: Cluster, namespace: str, name: str) -> str:
    """Write what runs of a service in one line."""
    deployment: Obj | None = get(cluster, namespace, name)
    if deployment is None:
        return f"{name}: not deployed"
    wanted = deployment["spec"].get("replicas", 1)
    ready = deployment.get("status", {}).get("readyReplicas", 0)
    version = deployment["metadata"].get("annotations", {}).get(VERSION, "unknown")
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    at = f"revision {revision(deployment)}, version {version}"
    return f"{name}: {ready} of {wanted} ready, {at}, {image}"


def _check_last(name: str, last: Entry) -> None:
    if last.verdict == ROLLED_BACK:
        raise Refused(
            f"{name}: it was rolled back at {last.ended} by {last.who}",
            "no rollback of a rollback: the revision before is the one that was left",
            "deploy the version that you want",
        )
    if last.barrier:
        raise Refused(
            f"{name}: {last.version} declares a barrier: {last.barrier}",
            "no rollback across a barrier: the version before cannot live with what this one changed",
            "deploy a new version that repairs it",
        )


def _put_all_back(cluster: Cluster, namespace: str, revisions: dict[str, str]) -> None:
    """Put back every Deployment; one that refuses holds up none, but is told in the end."""
    refused = []
    for name, wanted in revisions.items():
        try:
            _put_back(cluster, namespace, name, wanted)
        except RollbackError as error:
            refused.append(str(error))
    if refused:
        raise RollbackError("; ".join(refused))


def _put_back(cluster: Cluster, namespace: str, name: str, wanted: str) -> None:
    target = [f"--to-revision={wanted}"] if wanted else []
    try:
        told = cluster.kubectl("rollout", "undo", f"deployment/{name}", "-n", namespace, *target)
    except KubectlError as error:
        raise RollbackError(f"{name} cannot be rolled back: {error}") from error
    say(told)
    take_over(cluster, namespace, name)
