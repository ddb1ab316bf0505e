"""Checks of the moment: Prometheus for the gates, a freeze, and who delivers right now."""

from delivery import freeze
from delivery.clock import CLOCK, Clock
from delivery.cluster import Cluster
from delivery.gate import Answer, Gate
from delivery.gates.burn_rate import BurnRateGate
from delivery.gates.guard import Guarded
from delivery.gates.prometheus import PrometheusGate
from delivery.metrics import QueryError, instant
from delivery.operations.moment import moment_of
from delivery.operations.preflight.check import Check, failed, ok, unknown
from delivery.plan import Plan
from delivery.release import locks

PROMETHEUS, FREEZE, LOCK = "prometheus", "freeze", "lock"
ONE = "vector(1)"
PATIENCE_SECONDS = 3.0


def prometheus_answers(cluster: Cluster, plan: Plan) -> Check:
    """Ask Prometheus one question, if a gate will."""
    asking = addresses(plan)
    if not asking:
        return ok(PROMETHEUS, "no gate asks it")
    silent = {}
    for address in asking:
        try:
            instant(cluster, address, ONE, PATIENCE_SECONDS)
        except QueryError as error:
            silent[address] = str(error)
    if not silent:
        return ok(PROMETHEUS, f"{', '.join(asking)} answers")
    told = "\n".join(silent.values())
    blocking = [name for address in silent for name in asking[address]]
    if not blocking:
        return unknown(PROMETHEUS, f"{told}\nno gate stops a release for that")
    return failed(
        PROMETHEUS,
        f"{told}\ngates that stop a release for that: {', '.join(dict.fromkeys(blocking))}",
        "start it, or name the right address as `prometheus` in environment.yaml",
    )


def addresses(plan: Plan) -> dict[str, list[str]]:
    """List the addresses that gates ask, and for each the gates that stop a release when it is silent."""
    found: dict[str, list[str]] = {}
    for service in plan.services:
        for gate in (*service.checks.preview, *service.checks.live):
            address = _address(gate)
            if address:
                blocking = gate.policy.error is Answer.BLOCK
                found.setdefault(address, []).extend([f"{service.name}/{gate.name}"] * blocking)
    return found


def not_frozen(cluster: Cluster, plan: Plan) -> Check:
    """Check that new things may get in."""
    found = freeze.frozen(cluster, plan.namespace)
    if found is None:
        return ok(FREEZE, "not frozen")
    told = f"frozen by {found.who} since {found.since}: {found.reason}"
    return failed(FREEZE, told, "ask them, then `unfreeze`; rollback and abort work all the same")


def lock_is_told(cluster: Cluster, plan: Plan, clock: Clock = CLOCK) -> Check:
    """Tell who delivers now; that fails nothing, as deliveries take turns."""
    held = []
    for name in locks(plan):
        folder = f"/apis/coordination.k8s.io/v1/namespaces/{plan.namespace}/leases"
        spec = (cluster.find(f"{folder}/{name}") or {}).get("spec") or {}
        if spec.get("holderIdentity"):
            renewed = moment_of(spec.get("renewTime"))
            age = f"{(clock.now() - renewed).total_seconds():.0f} s ago" if renewed else "never"
            held.append(f"{name} is held by {spec['holderIdentity']}, renewed {age}")
    if not held:
        return ok(LOCK, "free")
    return ok(
        LOCK, "\n".join([*held, "a delivery would wait for it, 15 s for one that fell silent"])
    )


def _address(gate: Gate) -> str:
    inner = gate.gate if isinstance(gate, Guarded) else gate
    return inner.address if isinstance(inner, PrometheusGate | BurnRateGate) else ""
