"""Delivering by commits, and going back by commits. Called for plans of mode gitops.

The cluster gets nothing from here but locks, notes on Deployments that work, and records; what is wanted
stands in git alone. So self-heal agrees with every rollback.
"""

from collections.abc import Mapping

from delivery.cluster import ApiError, Cluster
from delivery.errors import DeliveryError, Refused, RollbackError, RolloutError, VerificationError
from delivery.evidence import collect
from delivery.follow import Hopeless
from delivery.gitops.message import Move, Place, Step
from delivery.gitops.notes import note
from delivery.gitops.pins import read_pin
from delivery.gitops.publish import Overtaken
from delivery.gitops.rules import moves_back, unfinished
from delivery.gitops.run import Run, begun
from delivery.gitops.standing import Standing
from delivery.history import FAILED, LIVE, ROLLED_BACK
from delivery.plan import Plan, Service
from delivery.progress import say
from delivery.records import Recorder
from delivery.rolling import line

Failure = Hopeless | VerificationError


def deploy(cluster: Cluster, plan: Plan) -> str:
    """Commit the plan's digests and wait until the cluster runs them; return one line per service."""
    recorder = Recorder(cluster, plan)
    with begun(cluster, plan) as run:
        found = run.standings()
        wanted = {each.name: _place(plan, each) for each in plan.services}
        moves = tuple(
            Move(each.name, wanted[each.name], found[each.name].good, each.barrier)
            for each in plan.services
            if found[each.name].pin != read_pin(each.image)
        )
        at = run.commit(Step.DEPLOY, moves) if moves else _already(run, found)
        ours = {move.name for move in moves} | {name for name in found if not found[name].settled}
        try:
            run.wait(wanted, at)
        except (Hopeless, VerificationError) as failure:
            back = {name: found[name].good for name in wanted if name in ours}
            raise _taken_back(run, failure, wanted, back, recorder) from failure
        except Overtaken as overtaken:
            for service in plan.services:
                if service.name in ours:
                    recorder.of_rolling(service, "overtaken", str(overtaken))
            raise
        note(cluster, plan.namespace, wanted)
        for service in plan.services:
            if service.name in ours:
                recorder.of_rolling(service, LIVE)
        return _summary(run, at)


def rollback(cluster: Cluster, plan: Plan) -> str:
    """Commit what was there before and wait until the cluster runs it; return one line per service."""
    recorder = Recorder(cluster, plan)
    with begun(cluster, plan) as run:
        found = run.standings()
        if unfinished(found):
            at = _already(run, found)
            places = {name: standing.place for name, standing in found.items()}
        else:
            moves = moves_back(found)
            at = run.commit(Step.ROLLBACK, moves, plan.reason or f"asked for by {plan.who}")
            places = {move.name: move.to for move in moves}
        targets = {name: place for name, place in places.items() if place is not None}
        try:
            run.wait(targets, at)
        except Hopeless as hopeless:
            collect(cluster, plan.namespace, hopeless.deployment, hopeless.trouble.pod)
            told = f"the release before does not come up: {hopeless}"
            for service in plan.services:
                recorder.of_rolling(service, FAILED, told)
            raise RollbackError(f"{told}. {_person(run)}") from hopeless
        note(cluster, plan.namespace, targets)
        for service in plan.services:
            recorder.of_rolling(service, ROLLED_BACK)
        return _summary(run, at)


def _taken_back(
    run: Run,
    failure: Failure,
    wanted: Mapping[str, Place],
    back: Mapping[str, Place | None],
    recorder: Recorder,
) -> DeliveryError:
    """Take evidence, then commit what worked before; make the error that says how it went."""
    _show(run, failure, back)
    told, verdict = str(failure), FAILED
    moves = tuple(Move(name, to, wanted[name]) for name, to in back.items() if to is not None)
    stay = [name for name, to in back.items() if to is None]
    kind: type[DeliveryError] = RolloutError
    if isinstance(failure, VerificationError):
        kind = VerificationError
    try:
        if moves:
            at = run.commit(Step.REVERT, moves, told.splitlines()[0])
            run.wait({move.name: move.to for move in moves}, at)
            verdict = ROLLED_BACK
            note(run.cluster, run.plan.namespace, {move.name: move.to for move in moves})
            told += (
                f"\nTaken back by commit {at[:10]}: {_lines(run, [move.name for move in moves])}"
            )
    except (Overtaken, Refused) as overtaken:
        kind, told = RolloutError, f"{told}\n{overtaken}"
    except (Hopeless, DeliveryError, ApiError) as error:
        kind = RollbackError
        told = f"{told}\nTaking it back failed too: {error}. {_person(run)}"
    if not back:
        told += "\nThis delivery changed nothing on the branch, so nothing was taken back."
    if stay:
        told += (
            f"\nNothing of {', '.join(stay)} worked before, so there is nothing to roll back to; it"
            " stays as it is."
        )
    for service in run.plan.services:
        if service.name in back:
            recorder.of_rolling(service, FAILED if service.name in stay else verdict, told)
    return kind(told)


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


def _already(run: Run, found: Mapping[str, Standing]) -> str:
    """Tell that nothing has to be committed, and whose commit it is."""
    authors = {each.author.commit.id: each.author for each in found.values() if each.author}
    for author in authors.values():
        say(f"unchanged: commit {author.commit.short} by {author.record.who or 'somebody'} says so")
    if not authors:
        say(f"unchanged: {run.where} says so already")
    return run.desk.repository.head


def _place(plan: Plan, service: Service) -> Place:
    return Place(service.image, service.version, plan.revision)


def _lines(run: Run, names: list[str]) -> str:
    return "\n".join(line(run.cluster, run.plan.namespace, name) for name in names)


def _summary(run: Run, commit: str) -> str:
    names = [service.name for service in run.plan.services]
    return f"{_lines(run, names)}\ncommit {commit[:10]} on {run.where}"


def _person(run: Run) -> str:
    return (
        f"It needs a person: kubectl -n {run.plan.namespace} get pods, and git log on {run.where}"
    )
