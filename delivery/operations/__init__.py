"""Operations: looking after a whole environment: is it ready, is it well, does it stand a knock, and its end.

Each is one action of a plan (`delivery.__main__`), takes the cluster and the plan, and returns a report for
people; a bad verdict is an error that carries the report.
"""

from delivery.operations.chaos import chaos
from delivery.operations.cleanup import cleanup_environment
from delivery.operations.health import health
from delivery.operations.preflight import preflight

__all__ = ["chaos", "cleanup_environment", "health", "preflight"]
