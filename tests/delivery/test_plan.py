"""Reading the plan: what fits is typed, what does not is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from delivery import actions, gitops, operations, release
from delivery.__main__ import ACTIONS, work_of
from delivery.errors import PlanError
from delivery.plan import Action, Chaos, ChaosKind, GitOps, Mode, Scope, read_plan
from delivery.render import kustomization

GOOD: dict[str, Any] = {
    "version": 1,
    "action": "deploy",
    "environment": "local",
    "namespace": "shipyard-local",
    "overlay": "/manifests/environments/local",
    "rollout_seconds": 60,
    "pull_secret": None,
    "revision": "abc",
    "services": [
        {
            "name": "backend",
            "image": "localhost:5000/shipyard/backend@sha256:aa",
            "health": "/api/health",
            "version": "abc-dirty",
        }
    ],
}


GIT = {"repository": "https://git.example/shop", "branch": "main", "folder": "manifests/staging"}


def written(tmp_path: Path, **changes: Any) -> Path:
    """Write the good plan with changes."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({**GOOD, **changes}))
    return path


def test_a_plan_is_read_whole(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path))
    assert plan.action is Action.DEPLOY
    assert plan.services[0].repository == "localhost:5000/shipyard/backend"
    assert plan.services[0].digest == "sha256:aa"
    assert plan.after == {"backend": ()}


def test_the_order_of_the_services_is_read(tmp_path: Path) -> None:
    frontend = {**GOOD["services"][0], "name": "frontend", "after": ["backend"]}
    plan = read_plan(written(tmp_path, services=[frontend, GOOD["services"][0]]))
    assert plan.after == {"frontend": ("backend",), "backend": ()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "no plan of version 1"),
        ({"action": "destroy"}, "action 'destroy' is not one of deploy, rollback, status"),
        ({"namespace": None}, "namespace is None, not str"),
        ({"rollout_seconds": "60"}, "rollout_seconds is '60', not int"),
        ({"services": ["backend"]}, "services holds something that is no mapping"),
        (
            {"services": [{**GOOD["services"][0], "image": "backend:latest"}]},
            "backend: 'backend:latest' is no image by digest",
        ),
        (
            {"services": [{**GOOD["services"][0], "after": "frontend"}]},
            "after is 'frontend', not a list of names",
        ),
        (
            {"services": [{**GOOD["services"][0], "after": ["frontend"]}]},
            "backend comes after 'frontend', which is not in the plan; it delivers backend",
        ),
        (
            {"services": [{**GOOD["services"][0], "after": ["backend"]}]},
            "these services wait for each other: backend -> backend",
        ),
        ({"services": GOOD["services"] * 2}, "two services have one name"),
        (
            {"confimed": True},
            "plan.confimed is no key that is known here, did you mean 'confirmed'",
        ),
        ({"confirmed": "yes"}, "plan.confirmed is 'yes', not true or false"),
        ({"scope": "all"}, "plan.scope is 'all', not one of expired, environment"),
        ({"approved_by": 1}, "approved_by is 1, not str"),
        (
            {"services": [{**GOOD["services"][0], "barier": "x"}]},
            "backend.barier is no key that is known here, did you mean 'barrier'",
        ),
        ({"mode": "git"}, "plan.mode is 'git', not one of apply, gitops"),
        ({"mode": "gitops"}, "mode gitops needs gitops: repository, branch and folder"),
        ({"gitops": {**GIT, "branch": "-x"}}, "plan.gitops.branch is '-x', not the name of a br"),
        ({"gitops": {**GIT, "folder": "a/../b"}}, "plan.gitops.folder is 'a/../b', not a folder"),
        ({"gitops": {**GIT, "folder": "/etc"}}, "plan.gitops.folder is '/etc', not a folder"),
        ({"gitops": {**GIT, "repository": "--upload-pack=x"}}, "not the address of a git repo"),
        ({"chaos": {"kinds": ["fire"]}}, "plan.chaos.kinds has 'fire', not one of pod-kill, "),
        ({"chaos": {"seconds": 0}}, "plan.chaos.seconds is 0, not a whole number from 5"),
    ],
)
def test_a_wrong_plan_names_the_key(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        read_plan(written(tmp_path, **changes))


def test_what_a_plan_says_besides_its_services_is_read(tmp_path: Path) -> None:
    plan = read_plan(
        written(
            tmp_path,
            mode="gitops",
            gitops=GIT,
            chaos={"kinds": ["pod-kill"], "seconds": 5, "rate": 2.5},
            scope="environment",
            confirmed=True,
            approved_by="ann",
            prometheus="http://prometheus:9090",
        )
    )
    assert plan.mode is Mode.GITOPS
    assert plan.gitops == GitOps(**GIT)
    assert plan.chaos == Chaos((ChaosKind.POD_KILL,), 5, 2.5)
    assert (plan.scope, plan.confirmed) == (Scope.ENVIRONMENT, True)
    assert (plan.approved_by, plan.prometheus) == ("ann", "http://prometheus:9090")


def test_a_plan_that_says_nothing_more_deletes_nothing_and_writes_to_the_cluster(
    tmp_path: Path,
) -> None:
    plan = read_plan(written(tmp_path))
    assert (plan.mode, plan.gitops) == (Mode.APPLY, None)
    assert (plan.scope, plan.confirmed) == (Scope.EXPIRED, False)


@pytest.mark.parametrize("user", ["bob:hunter2@", "hunter2@"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(tmp_path: Path, user: str) -> None:
    path = written(tmp_path, gitops={**GIT, "repository": f"https://{user}git.example/shop"})
    with pytest.raises(PlanError, match=r"plan\.gitops\.repository holds a user") as refused:
        read_plan(path)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "work"),
    [
        ({}, release.deploy),
        ({"mode": "gitops", "gitops": GIT}, gitops.deploy),
        ({"mode": "gitops", "gitops": GIT, "action": "rollback"}, gitops.rollback),
        ({"mode": "gitops", "gitops": GIT, "action": "status"}, actions.status),
        ({"action": "rollback"}, actions.rollback),
        ({"action": "cleanup"}, actions.cleanup),
        ({"action": "cleanup", "scope": "environment"}, operations.cleanup_environment),
        ({"action": "preflight"}, operations.preflight),
        ({"action": "health"}, operations.health),
        ({"action": "chaos"}, operations.chaos),
    ],
)
def test_every_action_finds_its_work(tmp_path: Path, changes: dict[str, Any], work: object) -> None:
    assert work_of(read_plan(written(tmp_path, **changes))) is work


def test_no_action_is_without_work() -> None:
    assert ACTIONS.keys() == set(Action)


def test_a_file_that_is_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(PlanError, match="is no plan"):
        read_plan(tmp_path / "plan.json")


def test_the_overlay_pins_images_and_annotates_only_the_deployment(tmp_path: Path) -> None:
    written_overlay = kustomization(read_plan(written(tmp_path)), "../local")
    assert written_overlay["images"] == [
        {
            "name": "backend",
            "newName": "localhost:5000/shipyard/backend",
            "digest": "sha256:aa",
        }
    ]
    (patch,) = written_overlay["patches"]  # type: ignore[misc]  # a list of one
    body = json.loads(patch["patch"])
    assert "spec" not in body
    assert body["metadata"]["annotations"]["shipyard.dev/version"] == "abc-dirty"
