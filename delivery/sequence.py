"""Rolling out a release: what all services share first, then each service when its turn has come.

A service's turn comes when every service that it comes after has rolled out; services that wait for
nothing of each other roll out side by side.
"""

import time
from collections.abc import Callable

from delivery.apply import apply
from delivery.cluster import Cluster, Obj
from delivery.follow import LOOK_SECONDS, Watch
from delivery.order import due
from delivery.parts import Parts, deployments
from delivery.plan import Plan
from delivery.progress import say


def roll_out(cluster: Cluster, plan: Plan, parts: Parts, alive: Callable[[], None]) -> None:
    """Apply and follow everything; raise Hopeless or KubectlError. `alive` may raise to stop."""
    watch = Watch(cluster, plan.namespace, plan.rollout_seconds)
    begun: list[str] = []
    done: set[str] = set()
    pending: list[Obj] = list(parts.shared)
    while True:
        turn = due(plan.after, begun, done)
        pending += [obj for name in turn for obj in parts.services[name]]
        if pending:
            say(apply(cluster, plan.namespace, pending))
            watch.begin(deployments(pending))
            pending = []
        begun += turn
        alive()
        watch.look()
        done = {name for name in begun if _rolled_out(parts, name, watch)}
        if len(done) == len(plan.services) and not watch.waiting:
            return
        if not due(plan.after, begun, done):
            time.sleep(LOOK_SECONDS)


def _rolled_out(parts: Parts, name: str, watch: Watch) -> bool:
    return not set(deployments(parts.services[name])) & set(watch.waiting)
