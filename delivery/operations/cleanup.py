"""Clean-up of an environment: everything that deliveries made in one namespace goes, and nothing else.

Never the namespace, never what is outside of it, never an object that somebody else made or applies too. Every
deletion hangs on the version that was judged. Nothing is remembered: what a killed run left is found by the next.
"""

import time
from collections.abc import Callable, Sequence

from delivery import freeze
from delivery.cluster import CONFLICT, NOT_FOUND, ApiError, Cluster, Obj, passing
from delivery.errors import DeliveryError, Refused
from delivery.follow import DEAF_SECONDS, LOOK_SECONDS
from delivery.lease import NAME as ENVIRONMENT
from delivery.lease import all_locked, name_of
from delivery.modes import Mode
from delivery.operations.belongings import is_ours
from delivery.operations.survey import LOCK, WORKLOAD, Item, Survey, described, survey
from delivery.plan import Plan
from delivery.preflight import reach
from delivery.progress import say
from delivery.release import holder

PATIENCE_SECONDS = 20.0
"""For the locks: longer than one that fell silent takes to expire, shorter than a delivery."""
END_SECONDS = 60.0
"""For pods to end, beyond the environment's own `rollout_seconds`."""
Alive = Callable[[], None]


def cleanup_environment(cluster: Cluster, plan: Plan) -> str:
    """Delete what deliveries made in the plan's namespace; refuse with the list when that was not confirmed."""
    namespace = plan.namespace
    say(f"cluster {reach(cluster)}, namespace {namespace}")
    _check_mode(plan)
    found = survey(cluster, namespace)
    if not found.ours:
        return _nothing(namespace, found)
    _check_freeze(cluster, namespace)
    if not plan.confirmed:
        raise Refused(
            f"{described(found)}\nclean-up of {plan.environment}: these {len(found.ours)} objects of namespace"
            f" {namespace} would go",
            "what is deleted does not come back, so somebody has to have seen the list",
            "the same again with --everything --yes; in a plan: confirmed: true",
        )
    names = set(found.locks)
    if len(found.ours) > len(found.locks):
        names |= {ENVIRONMENT, *(name_of(each.name) for each in plan.services)}
    with all_locked(cluster, namespace, holder(), PATIENCE_SECONDS, names) as alive:
        _check_freeze(cluster, namespace)
        found = survey(cluster, namespace)
        gone = _delete_all(cluster, plan, found, alive)
    # Given back by now; one that another run took in between stays.
    last = survey(cluster, namespace)
    _delete(cluster, namespace, [each for each in last.ours if each.rank == LOCK], lambda: None)
    left = survey(cluster, namespace)
    return _told(namespace, gone, left)


def _check_mode(plan: Plan) -> None:
    if plan.mode is Mode.GITOPS:
        raise Refused(
            f"clean-up of {plan.environment}: it is kept in git",
            "what git wants comes back when it is deleted in the cluster",
            "take the environment's folder out of the repository, or the Argo CD Application away",
        )


def _check_freeze(cluster: Cluster, namespace: str) -> None:
    found = freeze.frozen(cluster, namespace)
    if found:
        raise Refused(
            f"clean-up: {namespace} was frozen by {found.who} at {found.since}: {found.reason}",
            "nothing of a frozen environment is taken away",
            "ask them, then the action unfreeze lifts it",
        )


def _delete_all(cluster: Cluster, plan: Plan, found: Survey, alive: Alive) -> int:
    """Delete all but the locks, rank by rank; return how many there were."""
    going = [each for each in found.ours if each.rank != LOCK]
    for rank in sorted({each.rank for each in going}):
        items = [each for each in going if each.rank == rank]
        _delete(cluster, plan.namespace, items, alive)
        if rank == WORKLOAD:
            _await(cluster, plan, items, alive)
    return len(going)


def _delete(cluster: Cluster, namespace: str, items: Sequence[Item], alive: Alive) -> None:
    for item in items:
        alive()
        _delete_one(cluster, namespace, item, alive)


def _delete_one(cluster: Cluster, namespace: str, item: Item, alive: Alive) -> None:
    """Delete an object as it was judged; judge it anew when somebody wrote in between."""
    path, obj = item.kind.path(namespace, item.name), item.obj
    uid, begun = obj["metadata"]["uid"], time.monotonic()
    while not obj["metadata"].get("deletionTimestamp"):
        if item.rank == LOCK and obj["spec"].get("holderIdentity"):
            say(f"{item} was taken by another delivery: it stays")
            return
        held = {"uid": uid, "resourceVersion": obj["metadata"]["resourceVersion"]}
        policy = "Foreground" if item.rank == WORKLOAD else "Background"
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": held}
        try:
            cluster.request("DELETE", path, {**body, "propagationPolicy": policy})
        except ApiError as error:
            if error.status == NOT_FOUND:
                return
            late = time.monotonic() - begun > DEAF_SECONDS
            if late or not (error.status == CONFLICT or passing(error)):
                raise
        else:
            say(f"deleted {item}")
            return
        alive()
        time.sleep(LOOK_SECONDS)
        now = _look(cluster, path) or obj
        if now["metadata"]["uid"] != uid or not is_ours(item.kind.name, now):
            say(f"{item} is somebody else's by now: it stays")
            return
        obj = now


def _await(cluster: Cluster, plan: Plan, items: Sequence[Item], alive: Alive) -> None:
    """Wait until pods have ended; what they live by goes only then."""
    waiting = {item.kind.path(plan.namespace, item.name): item for item in items}
    deadline = time.monotonic() + plan.rollout_seconds + END_SECONDS
    while waiting:
        alive()
        for path, item in list(waiting.items()):
            if _is_gone(cluster, path, item):
                del waiting[path]
        if waiting and time.monotonic() > deadline:
            names = ", ".join(map(str, waiting.values()))
            raise DeliveryError(
                f"these have not ended: {names}. The rest is still there: run it again, it goes on from"
                f" here; kubectl -n {plan.namespace} get pods tells what they wait for"
            )
        if waiting:
            time.sleep(LOOK_SECONDS)


def _look(cluster: Cluster, path: str) -> Obj | None:
    try:
        return cluster.find(path)
    except ApiError as error:
        if passing(error):
            return None
        raise


def _is_gone(cluster: Cluster, path: str, item: Item) -> bool:
    try:
        found = cluster.find(path)
    except ApiError as error:
        if passing(error):
            return False
        raise
    return found is None or found["metadata"]["uid"] != item.obj["metadata"]["uid"]


def _nothing(namespace: str, found: Survey) -> str:
    told = f"namespace {namespace} holds nothing that deliveries made"
    return f"{told}\n{described(found)}".rstrip()


def _told(namespace: str, gone: int, left: Survey) -> str:
    told = f"{gone} objects that deliveries made in namespace {namespace} are gone; the namespace stays"
    if left.ours:
        told += f", and so far {len(left.ours)} that are still ending or were taken again"
    return f"{told}\n{described(left)}".rstrip()
