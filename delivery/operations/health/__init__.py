"""Health: does everything in an environment work? One report, and an error when something does not.

Nothing is changed and no lock is taken, so that it can be asked at any moment, also during a delivery.
"""

from concurrent.futures import ThreadPoolExecutor

from delivery.cluster import ApiError, Cluster
from delivery.errors import DeliveryError
from delivery.operations.errors import Unhealthy
from delivery.operations.health.address import AddressHealth
from delivery.operations.health.address import look_at as look_at_address
from delivery.operations.health.service import ServiceHealth
from delivery.operations.health.service import look_at as look_at_service
from delivery.operations.health.surroundings import quotas, warnings
from delivery.operations.presence import is_missing
from delivery.operations.table import hanging, table
from delivery.plan import Plan, Service
from delivery.preflight import reach

__all__ = ["health"]
HEAD = ("service", "ready", "colour", "version", "restarts", "endpoints", "answers")
AT_ONCE = 8


def health(cluster: Cluster, plan: Plan) -> str:
    """Look at everything; return the report, or raise Unhealthy with it."""
    version = reach(cluster)
    if is_missing(cluster, plan.namespace):
        raise Unhealthy(f"namespace {plan.namespace} is not there: nothing was delivered yet")

    def look(service: Service) -> ServiceHealth:
        try:
            return look_at_service(cluster, plan, service)
        except (ApiError, DeliveryError) as error:
            return ServiceHealth(service.name, problems=(f"could not be looked at: {error}",))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="health") as pool:
        services = list(pool.map(look, plan.services))
    address = look_at_address(plan.url) if plan.url else AddressHealth("none is named")
    problems = [f"{each.name}: {told}" for each in services for told in each.problems]
    problems += [address.problem] * bool(address.problem)
    report = "\n".join(
        [
            f"health of {plan.environment}, namespace {plan.namespace}, cluster {version}",
            *_services(services),
            _section("address", [address.told]),
            _section("quota", quotas(cluster, plan.namespace)),
            _section("warnings", warnings(cluster, plan.namespace) or ["none in 15 min"]),
        ]
    )
    if problems:
        told = "\n".join(f"  {problem}" for problem in problems)
        raise Unhealthy(f"{report}\nnot healthy:\n{told}")
    return f"{report}\nhealthy"


def _services(services: list[ServiceHealth]) -> list[str]:
    if not services:
        return ["  no service is named"]
    lines = [table(HEAD, map(_row, services), "  ")]
    lines += [f"  {each.name}: {note}" for each in services for note in each.notes]
    ended = [
        f"  {each.name} ended before: {', '.join(each.ended)}" for each in services if each.ended
    ]
    return lines + ended


def _row(each: ServiceHealth) -> tuple[str, ...]:
    counts = (f"{each.ready}/{each.wanted}", each.colour or "-", each.version or "-")
    return (each.name, *counts, str(each.restarts), str(each.endpoints), each.answer or "no")


def _section(name: str, lines: list[str]) -> str:
    return hanging(f"  {name:<9} ", "\n".join(lines))
