"""A dry run: what the API server would make of a plan, as a diff, and the plan kept as it was judged.

Nothing is changed and no lock is taken. `kubectl diff --server-side` judges what is applied; a colour is
compared with what is live. A saved plan holds the rendered objects, and delivering it applies these.
"""

import hashlib
import json
import os
from pathlib import Path

from delivery import freeze
from delivery.apply import difference
from delivery.bluegreen import trial
from delivery.bluegreen.assembly import blue_green, machine_for, taken_out
from delivery.bluegreen.selection import refreshed
from delivery.cluster import Cluster, Obj
from delivery.errors import PlanError
from delivery.parts import split
from delivery.plan import Action, Plan
from delivery.preflight import check, reach
from delivery.progress import say
from delivery.release import advise, wanted

PRIVATE = 0o600


def dry_run(cluster: Cluster, plan: Plan, source: Path, save: Path | None) -> str:
    """Print the diff on standard error and save the plan if asked to; return a summary."""
    if plan.action is not Action.DEPLOY:
        raise PlanError(f"a dry run is of a deploy; the plan's action is {plan.action}")
    say(f"dry run: cluster {reach(cluster)}, namespace {plan.namespace}, plan {plan.digest[:19]}")
    rendered = wanted(cluster, plan)
    check(cluster, plan, rendered)
    advise(plan, rendered)
    frozen = freeze.told(cluster, plan.namespace)
    if frozen:
        say(f"{frozen}; a deploy would be refused")
    lines = []
    if cluster.find(f"/api/v1/namespaces/{plan.namespace}") is None:
        lines.append(f"namespace {plan.namespace} would be made, and all in it: {_names(rendered)}")
    else:
        told = _differences(cluster, plan, rendered)
        say(told or "no difference")
        lines.append("it differs, see the diff" if told else "nothing would change")
    if save is not None:
        lines.append(
            f"saved {save}, digest {_saved(source, save, rendered)}: deliver it with --plan"
        )
        if any(each["kind"] == "Secret" for each in rendered):
            lines.append(f"{save} holds Secrets: keep it like one, and delete it afterwards")
    return "\n".join(lines)


def expect(plan: Plan, digest: str) -> None:
    """Refuse a plan that is not the one that was looked at."""
    if digest and plan.digest != digest:
        told = f"the plan's digest is {plan.digest}, not {digest}: somebody changed it, nothing was done"
        raise PlanError(f"{told}. Look at it again with --dry-run")


def _differences(cluster: Cluster, plan: Plan, rendered: list[Obj]) -> str:
    parts, painted = taken_out(split(rendered, plan), plan)
    objects, texts = list(parts.objects), []
    for service in blue_green(plan):
        machine = machine_for(cluster, plan, service, "", lambda: None, painted[service.name])
        seen = machine.look()
        objects += [refreshed(seen, machine.app) or painted[service.name].service]
        texts.append(trial.difference(machine))
    return "".join([difference(cluster, plan.namespace, objects), *texts])


def _saved(source: Path, save: Path, rendered: list[Obj]) -> str:
    """Keep the plan with its rendered objects, for nobody else to read; return the digest of what was written."""
    values = json.loads(source.read_bytes())
    content = json.dumps({**values, "objects": rendered}, indent=2, sort_keys=True).encode()
    try:
        with os.fdopen(os.open(save, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
            # One that was there before has kept its mode.
            os.fchmod(file.fileno(), PRIVATE)
            file.write(content)
    except OSError as error:
        raise PlanError(f"the plan cannot be saved: {error}") from error
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _names(objects: list[Obj]) -> str:
    return ", ".join(f"{each['kind']} {each['metadata']['name']}" for each in objects)
