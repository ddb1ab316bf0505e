"""Pre-flight as a report: every check is made and told, also when the first one fails.

`delivery.preflight` is what a release asks of itself and stops at; this is what people ask before it.
Nothing is changed, not even the namespace, and no lock is taken.
"""

from collections.abc import Callable
from functools import partial

from delivery.cluster import ApiError, Cluster, KubectlError
from delivery.errors import DeliveryError, PreflightError
from delivery.operations.preflight import access, fit, state
from delivery.operations.preflight.check import Check, Result, unknown, written
from delivery.plan import Plan

__all__ = ["preflight"]
ORDER = (
    *(access.CLUSTER, access.NAMESPACE, access.RIGHTS, access.PULL_SECRET),
    *(fit.MANIFESTS, fit.QUOTA, fit.POD_SECURITY, fit.PODS_END),
    *(state.PROMETHEUS, state.FREEZE, state.LOCK),
)
OF_MANIFESTS = {
    fit.MANIFESTS: fit.manifests_are_taken,
    fit.QUOTA: fit.quota_has_room,
    fit.POD_SECURITY: fit.pods_are_secure,
}


def preflight(cluster: Cluster, plan: Plan) -> str:
    """Make every check; return the report, or raise PreflightError with it when a check failed."""
    checks = made(cluster, plan)
    bad = [each.name for each in checks if each.result is Result.FAILED]
    count = {result: sum(each.result is result for each in checks) for result in Result}
    numbers = ", ".join(f"{number} {result}" for result, number in count.items() if number)
    report = f"pre-flight of {plan.environment}, namespace {plan.namespace}\n{written(checks)}\n"
    if bad:
        raise PreflightError(f"{report}a delivery would fail: {', '.join(bad)} ({numbers})")
    return f"{report}ready to deliver ({numbers})"


def made(cluster: Cluster, plan: Plan) -> list[Check]:
    """Make the checks, in the order in which they are told."""
    first = asked(access.CLUSTER, lambda: access.cluster_answers(cluster))
    if first.result is Result.FAILED:
        return [first, *(unknown(name, "the cluster comes first") for name in ORDER[1:])]
    load = _load(cluster, plan)
    rendered = list(load.rendered) if isinstance(load, fit.Load) else []
    found = [
        first,
        asked(access.NAMESPACE, lambda: access.namespace_is_there(cluster, plan.namespace)),
        asked(access.RIGHTS, lambda: access.rights_suffice(cluster, plan, rendered)),
        asked(access.PULL_SECRET, lambda: access.pull_secret_is_there(cluster, plan)),
        asked(state.PROMETHEUS, lambda: state.prometheus_answers(cluster, plan)),
        asked(state.FREEZE, lambda: state.not_frozen(cluster, plan)),
        asked(state.LOCK, lambda: state.lock_is_told(cluster, plan)),
        *_of_manifests(cluster, plan, load),
    ]
    return sorted(found, key=lambda check: ORDER.index(check.name))


def asked(name: str, check: Callable[[], Check]) -> Check:
    """Make one check; what cannot be found out stops none of the others."""
    try:
        return check()
    except (ApiError, KubectlError, DeliveryError, ValueError) as error:
        return unknown(name, f"could not be asked: {error}")


def _load(cluster: Cluster, plan: Plan) -> fit.Load | Check:
    try:
        return fit.load_of(cluster, plan)
    except (ApiError, KubectlError, DeliveryError, ValueError) as error:
        return unknown(fit.MANIFESTS, f"could not be asked: {error}")


def _of_manifests(cluster: Cluster, plan: Plan, load: fit.Load | Check) -> list[Check]:
    if isinstance(load, Check):
        rest = (fit.QUOTA, fit.POD_SECURITY, fit.PODS_END)
        return [load, *(unknown(name, "the manifests come first") for name in rest)]
    found = [
        asked(name, partial(check, cluster, plan, load)) for name, check in OF_MANIFESTS.items()
    ]
    return [*found, asked(fit.PODS_END, lambda: fit.pods_end_in_order(plan, load))]
