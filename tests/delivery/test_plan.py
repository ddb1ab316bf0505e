"""Reading the plan: what fits is typed, what does not is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from delivery.errors import PlanError
from delivery.plan import Action, read_plan
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
    ],
)
def test_a_wrong_plan_names_the_key(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        read_plan(written(tmp_path, **changes))


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
