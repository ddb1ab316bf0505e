"""The rules of GitOps mode: what is refused before anything is committed, and the way out."""

from collections.abc import Mapping

from delivery.bluegreen.assembly import blue_green
from delivery.bluegreen.colours import LABEL as COLOUR
from delivery.cluster import FORBIDDEN, ApiError, Cluster
from delivery.errors import PlanError, Refused
from delivery.gitops.message import Move, Place, Step
from delivery.gitops.pins import read_pin
from delivery.gitops.standing import Standing
from delivery.modes import GitOps
from delivery.plan import Action, Plan, Service
from delivery.progress import say

_ONE_DEPLOYMENT = (
    "who applies the overlay rolls the one Deployment of a service; it knows no colours"
)


def settings_of(plan: Plan) -> GitOps:
    """Give the plan's repository; refuse what GitOps mode cannot keep its word about."""
    if plan.gitops is None:
        raise PlanError("plan: mode gitops needs gitops: repository, branch and folder")
    if not plan.services:
        raise Refused("no service is named", "a delivery is about services", "name one in the plan")
    if plan.objects is not None:
        raise Refused(
            f"{plan.action}: the plan holds rendered objects",
            "in mode gitops git holds what is applied, so saved objects would not be what gets there",
            "deliver the plan that it was saved from",
        )
    if plan.action is Action.DEPLOY:
        _check_images(plan)
    coloured = ", ".join(each.name for each in blue_green(plan))
    if coloured:
        raise Refused(
            f"{coloured}: strategy blue-green in mode gitops",
            _ONE_DEPLOYMENT,
            "in the environment.yaml either `overrides` with `strategy: rolling` for it, or `mode: apply`:"
            " then the delivery switches and Argo CD applies the rest, see docs/gitops.md",
        )
    return plan.gitops


def check_plain(cluster: Cluster, plan: Plan) -> None:
    """Refuse services that are still blue-green in the cluster; users would not reach the new pods."""
    coloured = [
        service.name for service in plan.services if _selects_a_colour(cluster, plan, service)
    ]
    if coloured:
        raise Refused(
            f"{', '.join(coloured)}: blue-green in the cluster",
            f"{_ONE_DEPLOYMENT}, and users would go on reaching the colour",
            "deliver once with `mode: apply` and `strategy: rolling`, which hands it back without a gap",
        )


def moves_back(standings: Mapping[str, Standing]) -> tuple[Move, ...]:
    """Say what a rollback moves; raise Refused."""
    return tuple(
        Move(name, to=_target(name, standing), before=standing.place)
        for name, standing in standings.items()
    )


def unfinished(standings: Mapping[str, Standing]) -> bool:
    """Tell whether a rollback of all these was pushed, and nobody has seen it work yet."""
    return all(
        each.author is not None and each.author.record.step is Step.ROLLBACK and not each.settled
        for each in standings.values()
    )


def _selects_a_colour(cluster: Cluster, plan: Plan, service: Service) -> bool:
    try:
        found = cluster.find(f"/api/v1/namespaces/{plan.namespace}/services/{service.name}")
    except ApiError as error:
        if error.status == FORBIDDEN:
            say(f"{service.name}: services are not ours to read, so its selector was not checked")
            return False
        raise
    return COLOUR in ((found or {}).get("spec", {}).get("selector") or {})


def _check_images(plan: Plan) -> None:
    for service in plan.services:
        try:
            read_pin(service.image)
        except ValueError as error:
            raise PlanError(f"plan: {service.name}: {error}") from error


def _target(name: str, standing: Standing) -> Place:
    """Find what was before the present release of a service; raise Refused."""
    author = standing.author
    if author is None:
        pinned = f"{standing.pin} was not written by a delivery" if standing.pin else "no pin yet"
        raise Refused(
            f"{name}: {pinned}",
            "a rollback goes where the newest delivery says it came from",
            "revert that commit with git, or deliver the version that you want",
        )
    if author.record.step is not Step.DEPLOY:
        raise Refused(
            f"{name}: commit {author.commit.short} by {author.record.who or 'somebody'} went back already",
            "no rollback of a rollback: the release before is the one that was left",
            "deploy the version that you want",
        )
    if author.move.barrier:
        raise Refused(
            f"{name}: {author.move.to.version} declares a barrier: {author.move.barrier}",
            "no rollback across a barrier: the version before cannot live with what this one changed",
            "deploy a new version that repairs it",
        )
    if author.move.before is None:
        raise Refused(
            f"{name}: {author.move.to.version} is the first release",
            "nothing is there to roll back to",
            "deploy the version that you want",
        )
    return author.move.before
