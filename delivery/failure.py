"""When rolling services fail: evidence first, then back with all that the release changed, and what to tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from delivery.bluegreen.assembly import rolling
from delivery.cluster import ApiError, Cluster, KubectlError
from delivery.errors import (
    DeliveryError,
    PreflightError,
    Refused,
    RollbackError,
    RolloutError,
    VerificationError,
)
from delivery.evidence import collect
from delivery.follow import Hopeless
from delivery.history import FAILED, ROLLED_BACK
from delivery.plan import Plan
from delivery.progress import say
from delivery.revisions import Before
from delivery.rolling import Back, changed_since, undo

Trouble = KubectlError | ApiError | Hopeless | VerificationError


@dataclass(frozen=True)
class Undone:
    """What became of a failed release: the error that says it, why, and a verdict per service it changed."""

    error: DeliveryError
    reason: str
    verdicts: Mapping[str, str]


def undone(
    cluster: Cluster,
    plan: Plan,
    before: dict[str, Before],
    trouble: Trouble,
    alive: Callable[[], None],
) -> Undone:
    """Take evidence and put the rolling services back."""
    reason = str(trouble)
    error: DeliveryError
    try:
        changed = changed_since(cluster, plan.namespace, before, alive)
    except ApiError as deaf:
        told = (
            f"{reason}\nThe way back is not begun: {deaf}. Users may be on a release that nobody watches;"
            " when the API server is back: the action rollback, or this release again"
        )
        return Undone(RollbackError(told), reason, {})
    if isinstance(trouble, Hopeless):
        say(f"the rollout failed: {trouble}")
        collect(cluster, plan.namespace, trouble.deployment, trouble.trouble.pod)
    elif isinstance(trouble, VerificationError):
        say(f"the verification failed: {trouble}")
        for name in changed:
            collect(cluster, plan.namespace, name)
    elif isinstance(trouble, ApiError):
        reason = f"the API server failed: {trouble}"
    else:
        reason = f"the manifests were applied in part: {trouble}"
    try:
        back = undo(cluster, plan, before, alive)
        kind = VerificationError if isinstance(trouble, VerificationError) else RolloutError
        error = (RollbackError if back.beyond else kind)(f"{reason}\n{back.told}")
        good = ROLLED_BACK
    except RollbackError as lost:
        error, good, back = RollbackError(f"{reason}\n{lost}"), FAILED, Back("")
    verdicts = {
        each.name: good if before[each.name].revision and each.name not in back.beyond else FAILED
        for each in rolling(plan)
        if each.name in changed
    }
    return Undone(error, reason, verdicts)


def joined(
    first: DeliveryError | None, others: Sequence[DeliveryError], lines: Iterable[str]
) -> DeliveryError:
    """Make one error of all that failed, the gravest first, with what is said of the rest."""
    errors = [*([first] if first else []), *others]
    errors.sort(key=lambda error: isinstance(error, RollbackError), reverse=True)
    told = "\n".join(dict.fromkeys([*map(str, errors), *lines]))
    gravest = errors[0]
    return PreflightError(told) if isinstance(gravest, Refused) else type(gravest)(told)
