"""From a plan to machines: which applications are blue-green, and what the manifests want of each."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from delivery.bluegreen.application import Application
from delivery.bluegreen.autoscaler import scales
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.record import Phase, Release
from delivery.bluegreen.writer import Writer
from delivery.clock import CLOCK
from delivery.cluster import Cluster, Obj
from delivery.errors import PlanError
from delivery.parts import Parts
from delivery.plan import Plan, Service
from delivery.strategy import Strategy


class Painted(NamedTuple):
    """The objects of an application that come in two colours, and those that follow the live one."""

    deployment: Obj
    service: Obj
    autoscalers: tuple[Obj, ...]


def blue_green(plan: Plan) -> list[Service]:
    """List the services of a plan that are delivered blue-green."""
    return [each for each in plan.services if each.strategy is Strategy.BLUE_GREEN]


def rolling(plan: Plan) -> list[Service]:
    """List the services of a plan that are replaced a few pods at a time."""
    return [each for each in plan.services if each.strategy is Strategy.ROLLING]


def taken_out(parts: Parts, plan: Plan) -> tuple[Parts, dict[str, Painted]]:
    """Take what comes in colours out of what is simply applied."""
    services, painted = dict(parts.services), dict[str, Painted]()
    for service in blue_green(plan):
        name, objects = service.name, parts.services[service.name]
        deployment = _only(objects, "Deployment", name)
        active = _only(objects, "Service", name)
        following = tuple(each for each in objects if scales(each, name))
        painted[name] = Painted(deployment, active, following)
        gone = (deployment, active, *following)
        services[name] = tuple(each for each in objects if not any(each is one for one in gone))
    return Parts(parts.shared, services), painted


def machine_for(
    cluster: Cluster,
    plan: Plan,
    service: Service,
    run: str,
    alive: Callable[[], None],
    painted: Painted | None = None,
) -> Machine:
    """Make the machine of an application; without `painted` it delivers nothing new."""
    app = Application(
        name=service.name,
        namespace=plan.namespace,
        health=service.health,
        options=service.options,
        rollout_seconds=plan.rollout_seconds,
        preview_gates=service.checks.preview,
        live_gates=service.checks.live,
        rate=service.checks.rate,
        probe_path=service.checks.path,
    )
    if painted is not None:
        app = replace(
            app,
            deployment=painted.deployment,
            service=painted.service,
            release=_release(plan, service, painted.deployment),
        )
    return Machine(Writer(cluster, CLOCK, app, run), alive)


def _release(plan: Plan, service: Service, deployment: Obj) -> Release:
    """Say what shall be live. The same content is the same release, whatever its number of replicas."""
    spec = {key: value for key, value in deployment["spec"].items() if key != "replicas"}
    text = json.dumps(spec, sort_keys=True)
    members = [each.name for each in plan.services if each.release_set == service.release_set]
    return Release(
        id="",
        digest="sha256:" + hashlib.sha256(text.encode()).hexdigest(),
        version=service.version,
        revision=plan.revision,
        image=service.image,
        phase=Phase.PREPARING,
        since="",
        selector={},
        replicas=deployment["spec"].get("replicas"),
        barrier=service.barrier,
        members=tuple(members) if service.release_set else (),
        who=plan.who,
        plan=plan.digest,
    )


def _only(objects: tuple[Obj, ...], kind: str, name: str) -> Obj:
    for each in objects:
        if each["kind"] == kind and each["metadata"]["name"] == name:
            return each
    raise PlanError(
        f"{name}: strategy blue-green needs a {kind} {name} in the environment's overlay; there is none"
    )
