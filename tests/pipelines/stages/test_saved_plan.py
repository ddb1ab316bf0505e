"""A saved plan: what plan-release wrote is taken, and what would go elsewhere than the environment says is not."""

import json
from typing import Any

import pytest

from pipelines.stages.plan import Release, write_plan
from pipelines.stages.saved_plan import SavedPlanError, check_saved
from tests.pipelines.examples import CLEAN, REVISION, environment, service

GIT = {"repository": "https://git.example/shop", "branch": "live", "folder": "near"}
NEAR = environment("shop", "cart", prometheus="http://prometheus:9090", pull_secret="pull")
KEPT = environment("shop", "cart", mode="gitops", gitops=GIT)
SERVICES = (service(), service("cart"))
IMAGE = f"localhost:5000/team/shop@sha256:{'a' * 64}"
OBJECTS = [{"kind": "Service", "metadata": {"name": "shop"}}]


def saved(near: Any = NEAR, image: str = IMAGE, **changes: Any) -> str:
    """Save a plan as plan-release does, and change it afterwards."""
    written = json.loads(write_plan("deploy", near, [Release(service(), image)], CLEAN))
    return json.dumps({**written, "objects": OBJECTS, **changes})


def refusal(text: str, near: Any = NEAR) -> str:
    """Be refused; give what is said."""
    with pytest.raises(SavedPlanError) as caught:
        check_saved(near, SERVICES, text)
    told = str(caught.value)
    assert told.startswith("the saved plan cannot be delivered: ")
    assert "Nothing was changed" in told
    assert "dagger call plan-release --env=NAME -o plan.json" in told
    return told


@pytest.mark.parametrize("near", [NEAR, KEPT])
def test_what_plan_release_wrote_is_taken_and_its_commit_is_told(near: Any) -> None:
    assert check_saved(near, SERVICES, saved(near)) == REVISION
    assert check_saved(near, SERVICES, saved(near, revision="")) == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no plan of version 1"),
        (saved(version=2), "it is no plan of version 1"),
        (saved(action="rollback"), "it holds no rendered objects"),
        (saved(objects=[]), "it holds no rendered objects"),
        (saved(environment="far"), "it is for environment 'far' in namespace"),
        (saved(namespace="x"), "in namespace 'x', not for 'near' in 'shop-near'"),
    ],
)
def test_any_other_file_is_refused_with_the_way_to_make_one(text: str, told: str) -> None:
    assert told in refusal(text)


@pytest.mark.parametrize("lacking", ["services", "rollout_seconds"])
def test_a_file_that_lacks_what_a_plan_has_is_refused_by_name(lacking: str) -> None:
    values = json.loads(saved())
    del values[lacking]
    assert f"KeyError: {lacking!r}" in refusal(json.dumps(values))


@pytest.mark.parametrize(
    "changes",
    [
        {"services": None},
        {"services": ["shop"]},
        {"services": [{}]},
        {"rollout_seconds": "soon"},
        {"services": [{"name": "shop", "strategy": "blue-green", "blue_green": 7}]},
    ],
)
def test_a_file_of_another_shape_is_refused_without_a_traceback(changes: dict[str, Any]) -> None:
    assert "not as they must be" in refusal(saved(**changes))


@pytest.mark.parametrize(
    ("near", "changes", "told"),
    [
        (KEPT, {"gitops": {**GIT, "repository": "https://evil.example/x"}}, "https://evil.example"),
        (KEPT, {"mode": "apply"}, "its mode is 'apply'"),
        (NEAR, {"mode": "gitops", "gitops": GIT}, "its mode is 'gitops'"),
        (NEAR, {"pull_secret": "other"}, "its pull_secret is 'other'"),
        (NEAR, {"prometheus": "http://evil:9090"}, "its prometheus is 'http://evil:9090'"),
    ],
)
def test_no_credential_goes_where_the_environment_does_not_say(
    near: Any, changes: dict[str, Any], told: str
) -> None:
    said = refusal(saved(near, **changes), near)
    assert told in said
    assert "manifests/environments/near/environment.yaml says" in said


@pytest.mark.parametrize(
    "image",
    [
        "",
        "localhost:5000/team/shop:latest",
        IMAGE.replace("localhost", "evil.example"),
        IMAGE.replace("team/shop", "team/shop-and-more"),
        IMAGE.replace("team/shop", "team/cart"),
        IMAGE[:-1],
    ],
)
def test_an_image_is_one_of_its_service_in_this_environment_by_digest(image: str) -> None:
    assert "not one of localhost:5000/team/shop by digest" in refusal(saved(image=image))


def test_a_service_that_the_environment_does_not_run_is_refused() -> None:
    stranger = json.loads(saved())["services"][0] | {"name": "stranger"}
    assert "'near' runs no service 'stranger'" in refusal(saved(services=[stranger]))


@pytest.mark.parametrize("key", ["who", "approved_by"])
def test_nobody_is_named_in_a_file_that_anybody_may_write(key: str) -> None:
    """The delivery would believe the file before whoever applies it."""
    assert f"it names {key}" in refusal(saved(**{key: "Ann"}))


@pytest.mark.parametrize("revision", ["main", "--all", REVISION.upper(), 7])
def test_a_revision_is_the_id_of_a_commit(revision: Any) -> None:
    assert "is no commit's id" in refusal(saved(revision=revision))
