"""Convergence: the cluster takes what git says, at its own pace, and then rolls it out.

Two waits with a bound each: until a Deployment wants the image, and from then on its rollout, which is judged
as in applying mode, failing fast. Sync waves let a service wait for the rollout of another, so the first bound
begins anew when that ends. A Deployment that is turned back meanwhile is waited for again.
"""

from collections.abc import Callable, Iterable, Mapping

from delivery.clock import CLOCK, Clock
from delivery.cluster import ApiError, Cluster, passing
from delivery.follow import Hopeless, Watch, get
from delivery.gitops.rendering import images_of
from delivery.order import depth
from delivery.plan import Plan
from delivery.progress import say
from delivery.rollout import Trouble

SYNC_SECONDS = 300.0
"""How long a commit may go unnoticed: Argo CD asks git every three minutes, and a sync takes its time."""
LOOK_SECONDS = 0.5
ASK_SECONDS = 10.0
"""How often it is asked whether somebody committed something else."""


def converge(
    cluster: Cluster,
    plan: Plan,
    images: Mapping[str, str],
    alive: Callable[[], None],
    overtaken: Callable[[], None],
    clock: Clock = CLOCK,
) -> None:
    """Wait until every Deployment wants its image and is rolled out; raise Hopeless.

    `alive` and `overtaken` may raise to stop.
    """
    watch = Watch(cluster, plan.namespace, plan.rollout_seconds)
    begun = asked = moved = clock.monotonic()
    longest = depth(plan.after) * (SYNC_SECONDS + plan.rollout_seconds)
    waiting = set(images)
    while waiting or watch.waiting:
        alive()
        if clock.monotonic() - asked >= ASK_SECONDS:
            overtaken()
            asked = clock.monotonic()
        taken = sorted(waiting - set(lacking(cluster, plan.namespace, images, waiting)))
        for name in taken:
            say(f"{name}: the cluster wants it, {clock.monotonic() - begun:.0f} s after the commit")
        watch.begin(taken)
        waiting -= set(taken)
        watch.look()
        if not waiting and not watch.waiting:
            waiting = set(lacking(cluster, plan.namespace, images, images))
        now = clock.monotonic()
        moved = now if taken or watch.waiting else moved
        if waiting and (now - moved > SYNC_SECONDS or now - begun > longest):
            raise Hopeless(min(waiting), Trouble(_unnoticed(plan, now - moved)))
        if waiting or watch.waiting:
            clock.sleep(LOOK_SECONDS)


def lacking(
    cluster: Cluster, namespace: str, images: Mapping[str, str], names: Iterable[str]
) -> list[str]:
    """List the services whose Deployment does not want its image; one that cannot be asked is among them."""
    return [name for name in sorted(names) if not _wants(cluster, namespace, name, images[name])]


def _wants(cluster: Cluster, namespace: str, name: str, image: str) -> bool:
    try:
        found = get(cluster, namespace, name)
    except ApiError as error:
        if not passing(error):
            raise
        return False
    return found is not None and image in images_of([{"kind": "Deployment", **found}], name)


def _unnoticed(plan: Plan, seconds: float) -> str:
    where = f"branch {plan.gitops.branch}, folder {plan.gitops.folder}" if plan.gitops else "git"
    return (
        f"nobody brought the commit to the cluster for {seconds:.0f} seconds. Does an Application"
        f" of Argo CD watch {where}, with automated sync and self-heal?"
    )
