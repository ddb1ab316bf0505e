"""`python -m delivery --plan FILE`: progress on standard error, the result as one JSON line at the end."""

import argparse
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from delivery import actions, gitops, history, operations
from delivery.clock import CLOCK, write_time
from delivery.cluster import ApiError, Cluster, KubectlError
from delivery.dry_run import dry_run, expect
from delivery.errors import DeliveryError
from delivery.plan import VERSION, Action, Mode, Plan, Scope, read_plan
from delivery.progress import say
from delivery.proxy import connect
from delivery.release import deploy

ACTIONS = {
    Action.DEPLOY: deploy,
    Action.ROLLBACK: actions.rollback,
    Action.STATUS: actions.status,
    Action.PROMOTE: actions.promote,
    Action.ABORT: actions.abort,
    Action.CLEANUP: actions.cleanup,
    Action.HISTORY: actions.tell_history,
    Action.FREEZE: actions.freeze_environment,
    Action.UNFREEZE: actions.unfreeze_environment,
    Action.PREFLIGHT: operations.preflight,
    Action.HEALTH: operations.health,
    Action.CHAOS: operations.chaos,
}
GITOPS = {Action.DEPLOY: gitops.deploy, Action.ROLLBACK: gitops.rollback}
"""What is a commit where the environment is kept in git; everything else is done as usual."""
RECORDED = frozenset({Action.DEPLOY, Action.ROLLBACK, Action.PROMOTE, Action.ABORT})
"""What leaves a record in the history."""


def main(arguments: list[str]) -> int:
    """Run a plan; return the exit code of the contract."""
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="the plan, as JSON")
    parser.add_argument(
        "--dry-run", action="store_true", help="only tell what a deploy would change"
    )
    parser.add_argument("--save", type=Path, help="with --dry-run: keep the plan as it was judged")
    parser.add_argument("--expect", default="", help="refuse a plan with another sha256:... digest")
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    code, outcome = 0, "done"
    records: list[dict[str, object]] = []
    try:
        plan = read_plan(given.plan)
        expect(plan, given.expect)
        with connect() as cluster:
            if given.dry_run and plan.mode is Mode.GITOPS:
                summary = gitops.dry_run(cluster, plan, given.save)
            elif given.dry_run:
                summary = dry_run(cluster, plan, given.plan, given.save)
            else:
                summary = _carried_out(cluster, plan, records)
    except KeyboardInterrupt:
        code, outcome = 128 + signal.SIGINT, "Interrupted"
        summary = "interrupted: it stopped where it was. Run it again: that finishes or undoes it"
        say(summary)
    except DeliveryError as error:
        code, outcome, summary = error.exit_code, type(error).__name__, str(error)
        say(summary)
    except (ApiError, KubectlError) as error:
        code, outcome, summary = 1, type(error).__name__, str(error)
        say(f"the cluster refused: {summary}")
    except SystemExit as asked:
        code, outcome = int(asked.code or 0), "Interrupted"
        summary = "asked to end: it stopped where it was. Run it again: that finishes or undoes it"
        say(summary)
    except Exception as error:  # noqa: BLE001  whoever reads the result gets one, whatever happens
        code, outcome = 1, type(error).__name__
        summary = (
            f"a defect of the delivery, not of the release: {outcome}: {error}. It stopped where it was: the"
            " action status tells what users are on. Report it with the lines above"
        )
        say("".join(traceback.format_exception(error)) + summary)
    seconds = round(time.monotonic() - begun, 1)
    result: dict[str, object] = {"version": VERSION, "outcome": outcome, "summary": summary}
    result |= {"seconds": seconds, "records": records}
    sys.stdout.write(json.dumps(result, sort_keys=True) + "\n")
    return code


def work_of(plan: Plan) -> Callable[[Cluster, Plan], str]:
    """Find what carries out a plan."""
    if plan.mode is Mode.GITOPS and plan.action in GITOPS:
        return GITOPS[plan.action]
    if plan.action is Action.CLEANUP and plan.scope is Scope.ENVIRONMENT:
        return operations.cleanup_environment
    return ACTIONS[plan.action]


def _carried_out(cluster: Cluster, plan: Plan, records: list[dict[str, object]]) -> str:
    """Carry out a plan; what this run recorded is added to `records`, whatever it came to."""
    since = write_time(CLOCK.now())
    try:
        return work_of(plan)(cluster, plan)
    finally:
        if plan.action in RECORDED:
            names = [service.name for service in plan.services]
            records += history.of_run(cluster, plan.namespace, names, plan.digest, since)


def _leave(number: int, _: object) -> None:
    """End in order when asked to: the lock is given back, and nobody waits for it to expire."""
    sys.exit(128 + number)


if __name__ == "__main__":
    for asked in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, _leave)
    # A shell lets what it runs in the background ignore Ctrl-C; whoever sends it means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
