"""What is refused, with the rule and the way out. Pure; asked under the lock, before anything is changed."""

from collections.abc import Collection

from delivery.bluegreen.application import Application
from delivery.bluegreen.facts import Facts, adoptable, expired
from delivery.bluegreen.record import Standing
from delivery.bluegreen.states import State, state_of
from delivery.errors import Refused


def check_adoption(app: Application, facts: Facts) -> None:
    """Refuse a Service that finds no pods by labels, and one whose pods are somebody else's."""
    if facts.blind or (app.service is not None and not app.selector):
        raise Refused(
            f"{app.name}: the Service has no selector{' in the cluster' if facts.blind else ''}",
            "the switch narrows a selector to one colour; alone, the colour would select the pods of"
            " every application",
            f"give the Service the labels of {app.name}'s pods as spec.selector",
        )
    if state_of(facts) is State.PLAIN and facts.foreign and adoptable(facts) is None:
        raise Refused(
            f"{app.name}: the Service sends requests to {facts.foreign} pods that are not of the"
            f" Deployment {app.name}",
            "only a Deployment of the Service's own name is adopted",
            f"name the Deployment {app.name}, or take the other pods out of the Service's selector",
        )


def waits(facts: Facts) -> bool:
    """Tell whether a release is under way or waits, with pods, that users have not seen."""
    return (
        facts.unfinished is not None
        and facts.idle.wanted > 0
        and state_of(facts) is not State.WATCHING
    )


def check_promotion(app: Application, facts: Facts, named: Collection[str]) -> None:
    """Refuse when no release waits, when it waited too long, or when a part of its set is missing."""
    held = facts.unfinished
    if held is not None and not facts.idle.wanted and state_of(facts) is not State.WATCHING:
        raise Refused(
            f"{app.name}: {held.version} waits on {facts.target}, which was scaled down to no pods by"
            " somebody else",
            "only what is at work and passed its preview is promoted",
            "deploy it again",
        )
    if held is None or not waits(facts):
        raise Refused(
            f"{app.name}: no release waits for a promotion; it is {state_of(facts)}",
            "only what passed its preview is promoted",
            "deploy one, with blue_green.promote: manual",
        )
    if expired(facts, app.options.preview_seconds):
        raise Refused(
            f"{app.name}: {held.version} waits since {held.since}, longer than"
            f" {app.options.preview_seconds} s",
            "a release that nobody promoted in time is aborted, for the world has moved on",
            "deploy it again; the action cleanup takes away what waits",
        )
    missing = sorted(set(held.members) - set(named))
    if missing:
        raise Refused(
            f"{app.name} is of one release set with {', '.join(missing)}",
            "a release set is switched together",
            f"name all of it: {', '.join(held.members)}",
        )


def check_abort(app: Application, facts: Facts) -> None:
    """Refuse when no release is under way."""
    if state_of(facts) is State.WATCHING:
        raise Refused(
            f"{app.name}: the release is live already",
            "only what users have not seen yet is aborted",
            "rollback takes users back to the release before",
        )
    if not facts.unfinished:
        raise Refused(
            f"{app.name}: no release is under way; it is {state_of(facts)}",
            "only a release that is being prepared or waits is aborted",
            "nothing has to be done",
        )


def check_rollback(app: Application, facts: Facts, named: Collection[str]) -> None:
    """Refuse to go where nothing good is."""
    record, running = facts.record, facts.running
    if facts.live is None or record is None or running is None:
        raise Refused(
            f"{app.name}: it is {state_of(facts)}, there is no release to go back to",
            "a rollback goes to the release that was live before",
            "deploy the version that you want",
        )
    if record.standing in (Standing.ROLLED_BACK, Standing.REVERTED):
        raise Refused(
            f"{app.name}: {running.version} is live because of a rollback at {record.since}",
            "no rollback of a rollback: the release that it would lead to is the one that was left",
            "deploy the version that you want; its gates decide",
        )
    if running.barrier:
        raise Refused(
            f"{app.name}: {running.version} declares a barrier: {running.barrier}",
            "no rollback across a barrier: the release before cannot live with what this one changed",
            "deploy a new version that repairs it",
        )
    if facts.previous is None:
        taken = facts.idle.release
        place = f"its place was taken by {taken.version}" if taken and record.previous else "none"
        raise Refused(
            f"{app.name}: no release to go back to: {place}",
            "a rollback goes to the release that was live before, while its colour still holds it",
            "abort what is under way, if anything is; check out the commit of the version that you want"
            " (the action history names it) and deploy that",
        )
    missing = sorted(set(running.members) - set(named))
    if missing:
        raise Refused(
            f"{app.name} was switched together with {', '.join(missing)}",
            "a release set goes back together",
            f"name all of it: {', '.join(running.members)}",
        )
