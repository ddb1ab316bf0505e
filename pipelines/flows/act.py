"""The verbs that need no image: they look at an environment, take it back, stop it, or knock at it."""

from dataclasses import replace

from pipelines.flows import admission
from pipelines.flows.access import Access
from pipelines.flows.board import Board
from pipelines.flows.graph import OnFailure
from pipelines.flows.pipeline import Source
from pipelines.flows.selection import Choice, Request, choose
from pipelines.flows.verdict import conclude
from pipelines.model import Order, Service, Status
from pipelines.stages.deliver import deliver
from pipelines.stages.plan import Release, write_plan

LOOKING = ("status", "history", "health", "preflight")
"""Verbs that change nothing, and that anybody may use."""
COMMITTING = ("rollback",)
"""Of these verbs the ones that commit where an environment is kept in git; no other needs git's credentials."""
EXPIRED, EVERYTHING = "expired", "environment"
"""How far a clean-up goes; the delivery's words."""
DISTURBANCES = ("pod-kill", "restart", "drain")
"""What chaos may do; the delivery's own list."""


class PartialCleanupError(ValueError):
    """An environment was to be emptied, but of some services only; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "cleanup --everything empties the whole environment, so --only does not go with it. To scale down what"
            " is past its window of some services: cleanup --only=NAME; to empty the environment: leave --only out"
        )


class DisturbanceError(ValueError):
    """An unknown disturbance was asked for; the message lists the known ones."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"unknown kind of chaos {kind!r}. Known: {', '.join(DISTURBANCES)}")


async def act(
    action: str,
    source: Source,
    access: Access,
    env: str,
    request: Request,
    order: Order | None = None,
) -> str:
    """Run an action of `delivery`, and return its words; raise AdmissionError where it is not allowed."""
    choice = await choose(source, env, request)
    commits = action in COMMITTING
    access.require_cluster(choice.environment, commits=commits)
    asked = await _admitted(action, source, choice, order or Order())
    # A pre-flight renders what would be delivered, of which no digest is known yet.
    named = choice.environment.repository if action == "preflight" else _nothing
    released = [Release(each, named(each)) for each in choice.services]
    plan = write_plan(action, choice.environment, released, None, asked, choice.slos)
    manifests = source.files.directory("manifests")
    board = Board()
    done = board.stage(
        "",
        action,
        lambda: deliver(plan, choice.environment, manifests, access.cluster, commits=commits),
        reproduce=f"dagger call {action} --env={env}{_only(request)}",
    )
    results = await board.run(OnFailure.FINISH)
    failed = any(result.status is Status.FAILED for result in results)
    return await conclude(f"Shipyard {action} {env}", results, "" if failed else done.result)


def _only(request: Request) -> str:
    return f" --only={','.join(request.only)}" if request.only else ""


def _nothing(_: Service) -> str:
    return ""


async def _admitted(action: str, source: Source, choice: Choice, order: Order) -> Order:
    if action in LOOKING:
        return order
    # Going back and stopping must not wait for anybody; knocking and deleting may.
    limits = order.limits
    emptying = limits.get("scope") == EVERYTHING and limits.get("confirmed")
    if action == "chaos" or emptying:
        return await admission.permit(source, choice.environment, order)
    return await admission.name(source, choice.environment, order)


def bound_cleanup(order: Order, request: Request, *, everything: bool, confirmed: bool) -> Order:
    """Bound a clean-up: what is past its window, or everything that deliveries made, if that was confirmed.

    Raise PartialCleanupError for everything of some services.
    """
    if everything and request.only:
        raise PartialCleanupError
    scope = EVERYTHING if everything else EXPIRED
    return replace(order, limits={"scope": scope, "confirmed": confirmed})


def bound_chaos(order: Order, kinds: list[str], seconds: int, rate: int) -> Order:
    """Bound chaos; raise DisturbanceError. The plan names each kind, as the time for it depends on how many there are."""
    for kind in kinds:
        if kind not in DISTURBANCES:
            raise DisturbanceError(kind)
    chosen = list(dict.fromkeys(kinds or DISTURBANCES))
    return replace(order, limits={"chaos": {"kinds": chosen, "seconds": seconds, "rate": rate}})
