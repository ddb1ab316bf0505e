"""Rolling out a release: what all services share first, then each service when its turn has come.

A service's turn comes when every service that it comes after is there; services that wait for nothing
of each other go side by side, the rolling ones in this loop, the blue-green ones in their fleet.
"""

import time
from collections.abc import Callable

from delivery.apply import apply
from delivery.bluegreen.fleet import Fleet
from delivery.cluster import ApiError, Cluster, Obj
from delivery.errors import DeliveryError
from delivery.follow import LOOK_SECONDS, Watch
from delivery.order import due
from delivery.parts import Parts, deployments
from delivery.plan import Plan
from delivery.progress import say


def roll_out(
    cluster: Cluster, plan: Plan, parts: Parts, fleet: Fleet, alive: Callable[[], None]
) -> list[str]:
    """Apply and follow everything; return the rolling services that were begun. `alive` may raise to stop.

    Raise Hopeless or KubectlError for a rolling service. What fails in the fleet begins nothing new.
    """
    watch = Watch(cluster, plan.namespace, plan.rollout_seconds)
    begun: list[str] = []
    applied: set[str] = set()
    done: set[str] = set()
    pending: list[Obj] = list(parts.shared)
    while True:
        turn = [] if failures(fleet) else due(plan.after, begun, done)
        new = [name for name in turn if name not in applied]
        pending += [obj for name in new for obj in parts.services[name]]
        applied |= set(new)
        if pending:
            alive()
            say(apply(cluster, plan.namespace, pending))
            watch.begin(deployments(pending))
            pending = []
        now = [name for name in turn if name not in fleet.machines]
        now += fleet.begin(name for name in turn if name in fleet.machines)
        begun += now
        alive()
        watch.look()
        done = {name for name in begun if _rolled_out(parts, name, watch)}
        done = (done - fleet.machines.keys()) | fleet.done()
        ended = not watch.waiting and not fleet.running
        if ended and (len(done) == len(plan.services) or failures(fleet)):
            return [name for name in begun if name not in fleet.machines]
        if not now:
            time.sleep(LOOK_SECONDS)


def failures(fleet: Fleet) -> list[DeliveryError]:
    """List what went wrong in the fleet. A refusal of the API server there stops no rolling service half way."""
    try:
        return fleet.failures()
    except ApiError as error:
        return [DeliveryError(str(error))]


def _rolled_out(parts: Parts, name: str, watch: Watch) -> bool:
    return not set(deployments(parts.services[name])) & set(watch.waiting)
