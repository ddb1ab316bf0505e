"""Operations: looking after a whole environment: is it ready, is it well, does it stand a knock."""

from delivery.cluster import Cluster
from delivery.errors import Refused
from delivery.plan import Plan

__all__ = ["chaos", "cleanup_environment", "health", "preflight"]


def preflight(_cluster: Cluster, plan: Plan) -> str:
    """Tell whether a delivery would find what it needs."""
    raise _missing(plan)


def health(_cluster: Cluster, plan: Plan) -> str:
    """Tell whether everything in the environment works."""
    raise _missing(plan)


def chaos(_cluster: Cluster, plan: Plan) -> str:
    """Disturb the environment and tell whether users noticed."""
    raise _missing(plan)


def cleanup_environment(_cluster: Cluster, plan: Plan) -> str:
    """Delete what deliveries made in the namespace."""
    raise _missing(plan)


def _missing(plan: Plan) -> Refused:
    return Refused(
        f"{plan.action} is not built yet", "nothing is done halfway", "use kubectl meanwhile"
    )
