"""An environment's file: where images go, what runs there, how much must be known about it."""

import pytest

from pipelines.catalog import DocumentError
from pipelines.catalog.environment import parse_environment
from pipelines.model import Advisories
from tests.pipelines.examples import (
    ENVIRONMENT,
    ENVIRONMENT_TEXT,
    changed,
    environment,
    service,
)


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
