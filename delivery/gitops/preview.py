"""A dry run of GitOps mode: the commit that would be made, and what it would change in the cluster."""

from pathlib import Path

from delivery import freeze
from delivery.apply import difference
from delivery.cluster import Cluster
from delivery.errors import PlanError, Refused
from delivery.gitops.kustomization import write_pins
from delivery.gitops.overlay import Overlay
from delivery.gitops.pins import read_pin
from delivery.gitops.publish import Desk
from delivery.gitops.repository import cloned
from delivery.gitops.rules import check_plain, settings_of
from delivery.gitops.run import Run
from delivery.plan import Action, Plan
from delivery.preflight import reach
from delivery.progress import say


def dry_run(cluster: Cluster, plan: Plan, save: Path | None = None) -> str:
    """Print both differences on standard error; push nothing, take no lock. Return a summary."""
    if save is not None:
        raise Refused(
            "a dry run in mode gitops saves no plan",
            "git holds what is applied, so saved objects would not be what gets there",
            "leave --save away; --expect with the plan's digest makes sure that it is this plan",
        )
    if plan.action is not Action.DEPLOY:
        raise PlanError(f"plan: a dry run tells what a deploy would change, not {plan.action}")
    settings = settings_of(plan)
    say(f"dry run: cluster {reach(cluster)}, namespace {plan.namespace}, plan {plan.digest[:19]}")
    frozen = freeze.told(cluster, plan.namespace)
    if frozen:
        say(f"{frozen}; a deploy would be refused")
    check_plain(cluster, plan)
    with cloned(settings) as repository:
        run = Run(
            cluster, plan, Desk(repository, Overlay(repository.folder, settings.folder)), _free
        )
        text = run.desk.overlay.read()
        wanted = {service.name: read_pin(service.image) for service in plan.services}
        edited = write_pins(text, wanted)
        if edited == text:
            return f"nothing would be committed: {run.where} says so already"
        changed = run.judge(text, edited, wanted)
        say(repository.difference())
        if cluster.find(f"/api/v1/namespaces/{plan.namespace}") is None:
            say(f"namespace {plan.namespace} would be made")
        else:
            say(difference(cluster, plan.namespace, changed))
        names = ", ".join(each["metadata"]["name"] for each in changed)
        return f"a commit to {run.where} would move {names}, see the differences"


def _free() -> None:
    """Hold no lock: nothing is changed."""
