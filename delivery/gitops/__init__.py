"""GitOps: what is wanted is committed to a git repository, and the cluster follows it."""

from delivery.cluster import Cluster
from delivery.errors import Refused
from delivery.plan import Plan

__all__ = ["deploy", "rollback"]


def deploy(_cluster: Cluster, plan: Plan) -> str:
    """Commit the plan's digests and wait until the cluster has them."""
    raise _missing(plan)


def rollback(_cluster: Cluster, plan: Plan) -> str:
    """Commit what was wanted before and wait until the cluster has it."""
    raise _missing(plan)


def _missing(plan: Plan) -> Refused:
    return Refused(
        f"{plan.action}: mode gitops is not built yet",
        "nothing is done halfway",
        "use mode apply",
    )
