"""Trying out: what a colour would take and whether the API server takes it, before anything is changed."""

import copy
import difflib
import json
from collections.abc import Sequence

from delivery.bluegreen.colours import side_name, stripped
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.observation import PLAIN, Seen
from delivery.bluegreen.steps import prepared
from delivery.cluster import CONFLICT, ApiError, Obj
from delivery.errors import PreflightError

TRIES = 5


def demanded(machines: Sequence[Machine]) -> list[Obj]:
    """Make the Deployments that releases will bring up, for the quota; without a surge, for none is updated."""
    made = []
    for machine in machines:
        wanted = _wanted(machine, machine.look())
        if wanted is not None:
            wanted = copy.deepcopy(wanted)
            wanted["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 0}}
            made.append(wanted)
    return made


def try_out(machines: Sequence[Machine]) -> None:
    """Let the API server judge each colour's Deployment; raise PreflightError."""
    for machine in machines:
        tried(machine)


def tried(machine: Machine) -> tuple[Obj | None, Obj | None]:
    """Give what serves now and what would, as the API server would keep it; both None when nothing is new."""
    for left in reversed(range(TRIES)):
        seen = machine.look()
        wanted = _wanted(machine, seen)
        if wanted is None:
            return None, None
        try:
            return _serving(seen), _dry(machine, wanted)
        except ApiError as error:
            if error.status == CONFLICT and left:
                continue
            name = machine.app.name
            told = f"{name}: the cluster refuses the Deployment, nothing was changed: {error}"
            raise PreflightError(told) from error
    raise AssertionError


def difference(machine: Machine) -> str:
    """Write what would be different for users, as a unified diff; empty when nothing would be."""
    before, after = tried(machine)
    if after is None:
        return ""
    name, colour = machine.app.name, machine.look().facts.target
    texts = [_text(each, name) if each else "" for each in (before, after)]
    lines = difflib.unified_diff(
        texts[0].splitlines(keepends=True),
        texts[1].splitlines(keepends=True),
        f"live/{name}",
        f"release/{side_name(name, colour)}",
    )
    return "".join(lines)


def _wanted(machine: Machine, seen: Seen) -> Obj | None:
    release = machine.app.release
    if release is None or seen.facts.serves(release):
        return None
    return prepared(seen, machine.app, release, machine.writer.run)


def _dry(machine: Machine, wanted: Obj) -> Obj:
    writer, name = machine.writer, wanted["metadata"]["name"]
    if "resourceVersion" in wanted["metadata"]:
        path = f"{writer.deployments(name)}?dryRun=All"
        return writer.cluster.request("PUT", path, wanted)
    # A colour that has to go first is still there: try under another name.
    tried = {**wanted, "metadata": {**wanted["metadata"], "name": f"{name}-trial"}}
    return writer.cluster.request("POST", f"{writer.deployments()}?dryRun=All", tried)


def _serving(seen: Seen) -> Obj | None:
    return seen.deployments.get(seen.facts.live or PLAIN)


def _text(deployment: Obj, name: str) -> str:
    """Write a Deployment without its colour, so that only what differs for users differs."""
    made = stripped(deployment, name, int(deployment["spec"].get("replicas", 1)))
    return json.dumps(made, indent=2, sort_keys=True) + "\n"
