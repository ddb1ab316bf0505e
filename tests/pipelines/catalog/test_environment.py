"""An environment's file: where images go, what runs there, how much must be known about it."""

import pytest

from pipelines.catalog import DocumentError
from pipelines.catalog.environment import parse_environment
from pipelines.model import Advisories, Approval, GitOps, Mode
from tests.pipelines.examples import (
    ENVIRONMENT,
    ENVIRONMENT_TEXT,
    changed,
    environment,
    service,
)

GIT = {"repository": "https://git.example.com/shop.git"}


def test_every_key_becomes_a_value_or_has_a_default() -> None:
    near = parse_environment(ENVIRONMENT, ENVIRONMENT_TEXT)
    assert (near.name, near.namespace, near.services) == ("near", "shop-near", ("shop",))
    assert (near.registry, near.url) == ("localhost:5000", "http://127.0.0.1:8080")
    assert (near.rollout_seconds, near.pull_secret) == (300, None)
    assert near.path == "manifests/environments/near"


def test_the_best_advisories_are_asked_for_if_nothing_is_said() -> None:
    assert environment().advisories is Advisories.DATABASE


@pytest.mark.parametrize("level", list(Advisories))
def test_an_environment_may_do_with_less_knowledge(level: Advisories) -> None:
    assert environment(advisories=level.value).advisories is level


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"advisories": "none"},
            "advisories: 'none' is not allowed, use one of: database, archive, optional",
        ),
        ({"name": "far"}, "name: 'far' differs from its folder, use: near"),
        ({"services": []}, "services: [] is not a list of a name of small letters"),
        ({"services": None}, "services: is missing, give a list of a name"),
        ({"registry": "https://ghcr.io"}, "registry: 'https://ghcr.io' is not a registry such as"),
        ({"url": "example.com"}, "url: 'example.com' is not an http or https address"),
        ({"rollout_seconds": 4}, "rollout_seconds: 4 is not a whole number from 5 to 3600"),
        ({"pull_secret": "A B"}, "pull_secret: 'A B' is not a name of small letters"),
        ({"rollout_second": 9}, "rollout_second: unknown key, did you mean 'rollout_seconds'?"),
        ({"refs": "main"}, "refs: 'main' is not a list of a pattern such as branch:main"),
        ({"refs": ["main"]}, "refs[0]: 'main' is not a pattern such as branch:main"),
        ({"refs": []}, "refs: [] is not a list of a pattern"),
        ({"approval": "yes"}, "approval: 'yes' is not allowed, use one of: none, required"),
        ({"deployers": []}, "deployers: [] is not a list of names of people"),
        ({"prometheus": "prometheus"}, "prometheus: 'prometheus' is not an address such as http:"),
        ({"mode": "pull"}, "mode: 'pull' is not allowed, use one of: apply, gitops"),
        ({"mode": "gitops"}, "gitops: is missing, mode: gitops needs its repository"),
        ({"gitops": {}}, "gitops.repository: is missing, give an address of a git repository"),
        ({"gitops": {"repository": "-x"}}, "gitops.repository: '-x' is not an address of a git"),
        ({"gitops": {**GIT, "branch": "-x"}}, "gitops.branch: '-x' is not the name of a branch"),
        ({"gitops": {**GIT, "folder": "../x"}}, "gitops.folder: '../x' is not a folder inside"),
        ({"gitops": {**GIT, "brnch": "x"}}, "gitops.brnch: unknown key, did you mean 'branch'?"),
    ],
)
def test_a_wrong_environment_names_file_key_and_what_is_allowed(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_environment(ENVIRONMENT, changed(ENVIRONMENT_TEXT, **changes))
    assert f"{ENVIRONMENT}: {message}" in str(caught.value)


def test_a_registry_with_upper_case_gives_a_lower_case_repository() -> None:
    far = environment(registry="ghcr.io/Some-Owner")
    assert far.repository(service()) == "ghcr.io/some-owner/team/shop"
    assert far.registry_host == "ghcr.io"


@pytest.mark.parametrize(
    ("registry", "local"),
    [
        ("localhost:5000", True),
        ("127.0.0.1:5001/team", True),
        ("ghcr.io/owner", False),
        ("localhost.example.com:5000", False),
    ],
)
def test_a_registry_of_this_machine_is_known_as_one(registry: str, *, local: bool) -> None:
    assert environment(registry=registry).registry_is_local is local


def test_what_is_not_said_lets_everybody_ship_anything() -> None:
    near = environment()
    assert (near.refs, near.deployers, near.approval) == ((), (), Approval.NONE)
    assert (near.mode, near.gitops, near.prometheus) == (Mode.APPLY, None, "")


def test_an_environment_says_what_gets_in() -> None:
    near = environment(
        refs=["branch:main", "tag:v*"],
        approval="required",
        deployers=["Ann Bee"],
        prometheus="service://monitoring/prometheus:9090",
    )
    assert (near.refs, near.approval) == (("branch:main", "tag:v*"), Approval.REQUIRED)
    assert near.deployers == ("Ann Bee",)
    assert near.prometheus == "service://monitoring/prometheus:9090"


def test_a_repository_of_wanted_state_has_the_usual_branch_and_folder() -> None:
    near = environment(mode="gitops", gitops=GIT)
    folder = "manifests/environments/near"
    assert near.mode is Mode.GITOPS
    assert near.gitops == GitOps(repository=GIT["repository"], branch="main", folder=folder)
    told = {**GIT, "branch": "live", "folder": "near"}
    assert environment(gitops=told).gitops == GitOps(**told)


@pytest.mark.parametrize("user", ["ann:hunter2@", "hunter2@"])
def test_a_password_in_an_address_is_refused_and_not_repeated(user: str) -> None:
    wrong = {"repository": f"https://{user}git.example.com/shop.git"}
    with pytest.raises(
        DocumentError, match=r"gitops\.repository: holds a user or a pass"
    ) as caught:
        parse_environment(ENVIRONMENT, changed(ENVIRONMENT_TEXT, gitops=wrong))
    assert "hunter2" not in str(caught.value)
