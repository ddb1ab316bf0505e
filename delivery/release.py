"""A release, from the plan to the answer of every service, or back to where it was.

The order: pre-flight, lock, room and a dry run, roll out, verify. Until then nothing is changed. When
one service does not come up or does not answer, evidence is taken first, then everything that this
release changed goes back, at once: the old versions worked side by side. The old pods served all along.
"""

import os
import socket

from delivery.apply import rehearse
from delivery.cluster import Cluster, KubectlError, Obj
from delivery.errors import DeliveryError, PreflightError, RollbackError, RolloutError
from delivery.errors import VerificationError as Unverified
from delivery.evidence import collect
from delivery.follow import Hopeless, follow, get
from delivery.lease import Lease, locked
from delivery.order import depth
from delivery.ownership import take_over
from delivery.parts import deployments, split
from delivery.plan import Plan
from delivery.preflight import check, check_room, ensure_namespace, objects_of, reach
from delivery.progress import say
from delivery.render import VERSION, render
from delivery.revisions import Before, remember, snapshot, template_of, without_earlier
from delivery.rollout import revision
from delivery.sequence import roll_out
from delivery.verify import verify

LOCK_PATIENCE_SECONDS = 60.0


def deploy(cluster: Cluster, plan: Plan) -> str:
    """Deliver a plan; return one line for people."""
    say(f"cluster {reach(cluster)}, namespace {plan.namespace}")
    rendered = render(cluster, plan)
    ensure_namespace(cluster, plan)
    parts = split(objects_of(cluster, plan.namespace, rendered), plan)
    objects = parts.objects
    check(cluster, plan, objects)
    with locked(cluster, plan.namespace, holder(), _patience(plan)) as lease:
        names = deployments(objects)
        before = snapshot(cluster, plan.namespace, names)
        check_room(cluster, plan, objects)
        rehearse(cluster, plan.namespace, objects)
        try:
            roll_out(cluster, plan, parts, lease.still_held)
        except KubectlError as error:
            back = _undo(cluster, plan, before, lease)
            raise RolloutError(f"the manifests were applied in part: {error}\n{back}") from error
        except Hopeless as hopeless:
            say(f"the rollout failed: {hopeless}")
            collect(cluster, plan.namespace, hopeless.deployment, hopeless.trouble.pod)
            back = _undo(cluster, plan, before, lease)
            raise RolloutError(f"{hopeless}\n{back}") from hopeless
        try:
            verify(cluster, plan)
        except Unverified as unverified:
            say(f"the verification failed: {unverified}")
            for name in names:
                collect(cluster, plan.namespace, name)
            back = _undo(cluster, plan, before, lease)
            raise Unverified(f"{unverified}\n{back}") from unverified
        remember(cluster, plan.namespace, names)
        return describe(cluster, plan)


def rollback(cluster: Cluster, plan: Plan) -> str:
    """Put back the revision before the present one and verify it."""
    say(f"cluster {reach(cluster)}, namespace {plan.namespace}")
    with locked(cluster, plan.namespace, holder(), _patience(plan)) as lease:
        names = [service.name for service in plan.services]
        lacking = without_earlier(cluster, plan.namespace, names)
        if lacking:
            told = f"no revision before the present one: {', '.join(lacking)}"
            raise PreflightError(f"{told}. Nothing was changed; name the services to put back")
        _put_all_back(cluster, plan.namespace, dict.fromkeys(names, ""))
        try:
            follow(cluster, plan.namespace, names, plan.rollout_seconds, lease.still_held)
        except Hopeless as hopeless:
            collect(cluster, plan.namespace, hopeless.deployment, hopeless.trouble.pod)
            raise RollbackError(f"the revision before does not come up: {hopeless}") from hopeless
        verify(cluster, plan)
        remember(cluster, plan.namespace, names)
        return describe(cluster, plan)


def status(cluster: Cluster, plan: Plan) -> str:
    """Tell what runs."""
    reach(cluster)
    return describe(cluster, plan)


def describe(cluster: Cluster, plan: Plan) -> str:
    """Write what runs in one line per service."""
    lines = []
    for service in plan.services:
        found = get(cluster, plan.namespace, service.name)
        lines.append(_line(service.name, found))
    return "\n".join(lines)


def holder() -> str:
    """Name this run in the lock."""
    return f"{socket.gethostname()}-{os.environ.get('DELIVERY_RUN', str(os.getpid()))}"


def _undo(cluster: Cluster, plan: Plan, before: dict[str, Before], lease: Lease) -> str:
    """Put back what this release changed; return what became of it, raise RollbackError."""
    now = {name: get(cluster, plan.namespace, name) for name in before}
    changed = [
        name for name, each in now.items() if each and template_of(each) != before[name].template
    ]
    back = [name for name in changed if before[name].revision]
    stay = [name for name in changed if not before[name].revision]
    if not changed:
        return "This release changed no pods, so nothing was rolled back."
    if not back:
        return "No release worked before, so there is nothing to roll back to; it stays as it is."
    try:
        _put_all_back(cluster, plan.namespace, {name: before[name].revision for name in back})
        follow(cluster, plan.namespace, back, plan.rollout_seconds, lease.still_held)
        remember(cluster, plan.namespace, back)
    except (Hopeless, DeliveryError) as error:
        told = f"the rollback of {', '.join(back)} failed too: {error}"
        raise RollbackError(
            f"{told}. It needs a person: kubectl -n {plan.namespace} get pods"
        ) from error
    told = f"Rolled back: {describe(cluster, plan)}"
    return f"{told}\nNever worked before, so left as it is: {', '.join(stay)}" if stay else told


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


def _line(name: str, deployment: Obj | None) -> str:
    if deployment is None:
        return f"{name}: not deployed"
    wanted = deployment["spec"].get("replicas", 1)
    ready = deployment.get("status", {}).get("readyReplicas", 0)
    version = deployment["metadata"].get("annotations", {}).get(VERSION, "unknown")
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    at = f"revision {revision(deployment)}, version {version}"
    return f"{name}: {ready} of {wanted} ready, {at}, {image}"


def _patience(plan: Plan) -> float:
    """How long another delivery may take: its rollouts, one after the other, and its rollback."""
    return (depth(plan.after) + 1) * plan.rollout_seconds + LOCK_PATIENCE_SECONDS
