"""When a delivery by commit fails: evidence first, then a commit that takes it back, and what to tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from delivery.cluster import ApiError
from delivery.errors import (
    DeliveryError,
    Refused,
    RollbackError,
    RolloutError,
    Stopped,
    VerificationError,
)
from delivery.evidence import collect
from delivery.follow import Hopeless
from delivery.gate import Verdict
from delivery.gitops.message import Move, Place, Step
from delivery.gitops.notes import note
from delivery.gitops.publish import Overtaken
from delivery.gitops.run import Run
from delivery.history import FAILED, ROLLED_BACK
from delivery.progress import say

Failure = Hopeless | VerificationError


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery: the error that says it, why, and a verdict per service that it changed."""

    error: DeliveryError | None
    reason: str
    verdicts: Mapping[str, str]
    gates: Mapping[str, list[Verdict]] = field(default_factory=dict)


def taken_back(
    run: Run,
    failure: Failure,
    left: Mapping[str, Place],
    back: Mapping[str, Place | None],
) -> Outcome:
    """Take evidence, then commit what worked before for the services in `back`; `left` is what failed.

    What never worked before stays, and so does what declares a barrier: the version before cannot live
    with what this one may have changed.
    """
    _show(run, failure, back)
    reason = str(failure)
    barriers = {each.name: each.barrier for each in run.plan.services if each.barrier}
    beyond = [name for name, to in back.items() if to is not None and name in barriers]
    moves = tuple(
        Move(name, to, left[name])
        for name, to in back.items()
        if to is not None and name not in barriers
    )
    kind: type[DeliveryError] = RolloutError
    if isinstance(failure, VerificationError):
        kind = VerificationError
    told, went = [reason], dict.fromkeys(back, FAILED)
    try:
        if moves:
            told.append(_went(run, moves, reason))
            went |= dict.fromkeys((move.name for move in moves), ROLLED_BACK)
    except (Overtaken, Refused) as overtaken:
        kind = RolloutError
        told.append(str(overtaken))
    except Stopped:
        raise
    except (Hopeless, DeliveryError, ApiError) as error:
        kind = RollbackError
        told.append(f"Taking it back failed too: {error}. {run.person}")
    if beyond:
        kind = RollbackError
        told += [_beyond(name, barriers[name]) for name in beyond]
    never = [name for name, to in back.items() if to is None]
    if never:
        names = ", ".join(never)
        told.append(
            f"Nothing of {names} worked before: there is nothing to roll back to; it stays."
        )
    if not back:
        told.append("This delivery changed nothing on the branch, so nothing was taken back.")
    return Outcome(kind("\n".join(told)), reason, went)


def _went(run: Run, moves: tuple[Move, ...], reason: str) -> str:
    """Commit and wait; return what became of it."""
    places = {move.name: move.to for move in moves}
    commit = run.commit(Step.REVERT, moves, reason.splitlines()[0])
    run.wait(places, commit)
    note(run.cluster, run.plan.namespace, places)
    return f"Taken back by commit {commit[:10]}: {run.lines(places)}"


def _beyond(name: str, barrier: str) -> str:
    return (
        f"{name} declares a barrier ({barrier}), so its commit was not taken back: deploy a version that"
        " repairs it. Only if you know that nothing was changed yet: git revert that commit"
    )


def _show(run: Run, failure: Failure, back: Mapping[str, Place | None]) -> None:
    """Take evidence before anything is changed again."""
    cluster, namespace = run.cluster, run.plan.namespace
    if isinstance(failure, Hopeless):
        say(f"the rollout failed: {failure}")
        collect(cluster, namespace, failure.deployment, failure.trouble.pod)
        return
    say(f"the verification failed: {failure}")
    for name in back:
        collect(cluster, namespace, name)
