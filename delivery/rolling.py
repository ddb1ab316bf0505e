"""The rolling strategy: what to go back to, and going back, with `kubectl rollout undo`.

The services of a plan that are rolled out this way belong together: when one fails, all go back.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from delivery.cluster import FORBIDDEN, ApiError, Cluster, KubectlError, Obj
from delivery.errors import DeliveryError, Refused, RollbackError, Stopped
from delivery.evidence import collect
from delivery.follow import Hopeless, follow, get, patiently
from delivery.history import ROLLED_BACK, Entry, entries
from delivery.ownership import take_over
from delivery.plan import Plan, Service
from delivery.progress import say
from delivery.render import VERSION
from delivery.revisions import Before, earlier, remember, remember_return, template_of
from delivery.rollout import revision
from delivery.verify import verify

TRIES, PAUSE_SECONDS = 3, 1.0
"""How often kubectl is asked to put a revision back, and after which pause."""


@dataclass(frozen=True)
class Back:
    """What became of going back: in words, and who stays because of a barrier."""

    told: str
    beyond: tuple[str, ...] = ()


def undo(
    cluster: Cluster, plan: Plan, before: dict[str, Before], alive: Callable[[], None]
) -> Back:
    """Put back what a release changed; raise RollbackError when that fails.

    What declares a barrier stays: the version before cannot live with what this one may have changed.
    """
    changed = changed_since(cluster, plan.namespace, before, alive)
    barriers = {each.name: each.barrier for each in plan.services if each.barrier}
    stay = [name for name in changed if not before[name].revision]
    beyond = [name for name in changed if name not in stay and name in barriers]
    back = [name for name in changed if name not in stay and name not in barriers]
    if not changed:
        return Back("This release changed no pods, so nothing was rolled back.")
    if not back and not beyond:
        none = "No release worked before, so there is nothing to roll back to"
        return Back(f"{none}; it stays as it is.")
    told = _undone(cluster, plan, {name: before[name].revision for name in back}, alive)
    if stay:
        told.append(f"Never worked before, so left as it is: {', '.join(stay)}")
    told += [_beyond(plan.namespace, name, barriers[name], before[name]) for name in beyond]
    return Back("\n".join(told), tuple(beyond))


def changed_since(
    cluster: Cluster, namespace: str, before: dict[str, Before], alive: Callable[[], None]
) -> list[str]:
    """List the Deployments whose pods are described otherwise than before; the API server may be away a while."""

    def look() -> dict[str, Obj | None]:
        return {name: get(cluster, namespace, name) for name in before}

    now = patiently(look, alive)
    return [
        name for name, each in now.items() if each and template_of(each) != before[name].template
    ]


def check_rollback(cluster: Cluster, namespace: str, services: Iterable[Service]) -> None:
    """Refuse to go where nothing good is; nothing was changed."""
    names = [service.name for service in services]
    for name in names:
        last = next(iter(past(cluster, namespace, name)), None)
        if last is not None:
            _check_last(name, last)
    lacking = [name for name in names if not earlier(cluster, namespace, name)]
    if lacking:
        raise Refused(
            f"no revision before the present one: {', '.join(lacking)}",
            "a rollback goes to the revision that worked before",
            "deploy the version that you want, or name only the services that have one",
        )


def past(cluster: Cluster, namespace: str, name: str) -> list[Entry]:
    """Read a service's history; tell when it is not ours to read, and go on without it."""
    try:
        return entries(cluster, namespace, name)
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise
        say(f"{name}: configmaps are not ours to read, so its history was not looked at")
        return []


def rollback(
    cluster: Cluster, plan: Plan, services: list[Service], alive: Callable[[], None]
) -> None:
    """Put back the revision that worked before and verify it."""
    names = [service.name for service in services]
    found = {name: earlier(cluster, plan.namespace, name) for name in names}
    targets = {name: target for name, target in found.items() if target is not None}
    wanted = {name: revision(each) for name, each in targets.items()}
    _put_all_back(cluster, plan.namespace, wanted, alive)
    for name, target in targets.items():
        remember_return(cluster, plan.namespace, name, target)
    try:
        follow(cluster, plan.namespace, names, plan.rollout_seconds, alive)
    except Hopeless as hopeless:
        collect(cluster, plan.namespace, hopeless.deployment, hopeless.trouble.pod)
        raise RollbackError(f"the revision before does not come up: {hopeless}") from hopeless
    verify(cluster, plan.namespace, services)


def line(cluster: Cluster, namespace: str, name: str) -> str:
    """Write what runs of a service in one line."""
    deployment = patiently(lambda: get(cluster, namespace, name))
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


def _undone(
    cluster: Cluster, plan: Plan, revisions: dict[str, str], alive: Callable[[], None]
) -> list[str]:
    if not revisions:
        return []
    names = list(revisions)
    try:
        _put_all_back(cluster, plan.namespace, revisions, alive)
        follow(cluster, plan.namespace, names, plan.rollout_seconds, alive)
        remember(cluster, plan.namespace, names)
    except Stopped:
        raise
    except (Hopeless, DeliveryError, ApiError) as error:
        told = f"the rollback of {', '.join(names)} failed too: {error}"
        raise RollbackError(
            f"{told}. It needs a person: kubectl -n {plan.namespace} get pods"
        ) from error
    return ["Rolled back: " + "\n".join(line(cluster, plan.namespace, name) for name in names)]


def _beyond(namespace: str, name: str, barrier: str, before: Before) -> str:
    command = (
        f"kubectl -n {namespace} rollout undo deployment/{name} --to-revision={before.revision}"
    )
    return (
        f"{name} declares a barrier ({barrier}), so it was not rolled back: deploy a version that repairs"
        f" it. Only if you know that nothing was changed yet: {command}"
    )


def _put_all_back(
    cluster: Cluster, namespace: str, revisions: dict[str, str], alive: Callable[[], None]
) -> None:
    """Put back every Deployment; one that refuses holds up none, but is told in the end."""
    refused = []
    for name, wanted in revisions.items():
        try:
            _put_back(cluster, namespace, name, wanted, alive)
        except RollbackError as error:
            refused.append(str(error))
    if refused:
        raise RollbackError("; ".join(refused))


def _put_back(
    cluster: Cluster, namespace: str, name: str, wanted: str, alive: Callable[[], None]
) -> None:
    """Put back one revision; named, so that doing it twice is doing it once."""
    undo = ("rollout", "undo", f"deployment/{name}", "-n", namespace, f"--to-revision={wanted}")
    for left in reversed(range(TRIES)):
        alive()
        try:
            say(cluster.kubectl(*undo))
            break
        except KubectlError as error:
            if not left:
                raise RollbackError(f"{name} cannot be rolled back: {error}") from error
            say(f"{name}: trying again: {error}")
            time.sleep(PAUSE_SECONDS)
            # kubectl does not tell a refusal from a silence; this waits until the silence is over.
            patiently(lambda: get(cluster, namespace, name), alive)
    take_over(cluster, namespace, name)
