"""Delivering by commits, and going back by commits. Called for plans of mode gitops.

The cluster gets nothing from here but locks, notes on Deployments that work, and records; what is wanted
stands in git alone. So self-heal agrees with every rollback.
"""

from collections.abc import Mapping
from datetime import datetime

from delivery.cluster import Cluster
from delivery.counter import counting, told
from delivery.errors import RollbackError, VerificationError
from delivery.evidence import collect
from delivery.follow import Hopeless
from delivery.gitops.failure import Outcome, taken_back
from delivery.gitops.message import Move, Place, Step
from delivery.gitops.notes import note
from delivery.gitops.pins import read_pin
from delivery.gitops.publish import Overtaken
from delivery.gitops.rules import moves_back, unfinished
from delivery.gitops.run import Run, begun
from delivery.gitops.standing import Standing
from delivery.history import FAILED, LIVE, ROLLED_BACK
from delivery.inspection import inspect, watched
from delivery.plan import Plan
from delivery.progress import say
from delivery.records import Recorder

OVERTAKEN = "overtaken"
"""The verdict of a delivery whose service somebody else moved before the cluster had it."""


def deploy(cluster: Cluster, plan: Plan) -> str:
    """Commit the plan's digests and wait until the cluster runs them; return one line per service."""
    recorder = Recorder(cluster, plan)
    with begun(cluster, plan) as run:
        found = run.standings()
        moves = tuple(
            Move(
                each.name,
                to=Place(each.image, each.version, plan.revision),
                before=found[each.name].good,
                barrier=each.barrier,
            )
            for each in plan.services
            if found[each.name].pin != read_pin(each.image)
        )
        ours = {move.name for move in moves} | {name for name in found if not found[name].settled}
        with counting(cluster, watched(cluster, plan, plan.services)) as samples:
            at = run.commit(Step.DEPLOY, moves) if moves else _already(run, found)
            back = {name: found[name].good for name in found if name in ours}
            outcome = _followed(run, at, back, recorder.begun)
        for service in plan.services:
            name = service.name
            if name in outcome.verdicts:
                verdict, gates = outcome.verdicts[name], outcome.gates.get(name, ())
                recorder.of_rolling(service, verdict, outcome.reason, gates, samples.get(name))
        counts = [line for name, sample in samples.items() for line in told(name, sample)]
        if outcome.error is not None:
            raise type(outcome.error)("\n".join([str(outcome.error), *counts]))
        return "\n".join([run.lines(found), *counts, run.commit_line(at)])


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
            why = f"the release before does not come up: {hopeless}"
            for service in plan.services:
                recorder.of_rolling(service, FAILED, why)
            raise RollbackError(f"{why}. {run.person}") from hopeless
        note(cluster, plan.namespace, targets, returned=True)
        for service in plan.services:
            recorder.of_rolling(service, ROLLED_BACK)
        return f"{run.lines(found)}\n{run.commit_line(at)}"


def _followed(run: Run, commit: str, back: Mapping[str, Place | None], since: datetime) -> Outcome:
    """Wait for what was committed and judge it; take back what this delivery changed when it fails."""
    plan = run.plan
    wanted = {each.name: Place(each.image, each.version, plan.revision) for each in plan.services}
    try:
        run.wait(wanted, commit)
        gates = inspect(run.cluster, plan, plan.services, since, run.alive)
    except (Hopeless, VerificationError) as failure:
        return taken_back(run, failure, wanted, back)
    except Overtaken as overtaken:
        return Outcome(overtaken, str(overtaken), dict.fromkeys(back, OVERTAKEN))
    note(run.cluster, plan.namespace, wanted)
    return Outcome(None, "", dict.fromkeys(back, LIVE), gates)


def _already(run: Run, found: Mapping[str, Standing]) -> str:
    """Tell that nothing has to be committed, and whose commit it is."""
    authors = {each.author.commit.id: each.author for each in found.values() if each.author}
    for author in authors.values():
        say(f"unchanged: commit {author.commit.short} by {author.record.who or 'somebody'} says so")
    if not authors:
        say(f"unchanged: {run.where} says so already")
    return run.desk.repository.head
