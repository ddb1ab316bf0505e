"""What an image says about itself: where it comes from, and how it runs."""

from typing import Any, cast

import pytest

from pipelines.model import Commit, Kind, Service
from pipelines.stages.image_config import image_config
from pipelines.toolchains.kinds import toolchain_of
from tests.pipelines.examples import CLEAN, REVISION, dockerfile_service, service

SECOND = 1_000_000_000


def config(of: Service, commit: Commit = CLEAN) -> dict[str, Any]:
    """Give the part of the description that says how an image runs."""
    return cast("dict[str, Any]", image_config(of, commit)["config"])


def environment(of: Service) -> dict[str, str]:
    """Give an image's variables."""
    return dict(each.split("=", 1) for each in config(of)["Env"])


def test_an_image_says_where_it_comes_from() -> None:
    described = image_config(service(), CLEAN)
    labels = {
        "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
        "org.opencontainers.image.description": "Sells what there is.",
        "org.opencontainers.image.revision": REVISION,
        "org.opencontainers.image.title": "Shop",
        "org.opencontainers.image.version": "0123456789ab",
    }
    assert described["annotations"] == labels
    assert config(service())["Labels"] == labels
    assert described["created"] == "2023-11-14T22:13:20Z"
    assert (described["os"], described["architecture"]) == ("linux", "amd64")


def test_changed_files_mark_the_version_of_their_own_service_only() -> None:
    dirty = Commit(revision=REVISION, time=0, dirty=frozenset({"shop"}))
    for name, mark in (("shop", "-dirty"), ("cart", "")):
        labels = config(service(name), dirty)["Labels"]
        assert labels["org.opencontainers.image.revision"] == REVISION + mark
        assert labels["org.opencontainers.image.version"] == f"0123456789ab{mark}"


def test_without_a_commit_the_description_is_a_function_of_the_service_alone() -> None:
    nowhere = Commit(revision="", time=0, dirty=frozenset())
    assert image_config(service(), nowhere)["created"] == "1970-01-01T00:00:00Z"
    assert config(service(), nowhere)["Labels"]["org.opencontainers.image.revision"] == ""


@pytest.mark.parametrize("kind", ["python", "node", "angular"])
def test_an_image_runs_as_nobody_special_in_its_own_folder(kind: str) -> None:
    described = config(service(kind=kind))
    assert (described["User"], described["WorkingDir"]) == ("10001:10001", "/app")
    assert described["Entrypoint"] == ["/usr/bin/tini", "--"]
    assert described["Cmd"] == ["/usr/bin/python3.11", "main.py"]
    assert described["ExposedPorts"] == {"5000/tcp": {}}


@pytest.mark.parametrize("kind", ["python", "node", "angular"])
def test_the_variables_of_the_kind_are_there_and_those_of_the_service(kind: str) -> None:
    variables = environment(service(kind=kind))
    assert variables["PORT"] == "5000"
    assert variables["APP_VERSION"] == "0123456789ab"
    assert toolchain_of(Kind(kind)).environment.items() <= variables.items()


def test_variables_are_sorted_so_that_their_order_in_the_file_does_not_count() -> None:
    one = service(image__environment={"B": "2", "A": "1"})
    assert config(one)["Env"] == sorted(config(one)["Env"])


@pytest.mark.parametrize(
    ("kind", "name", "usual"),
    [("node", "NODE_ENV", "production"), ("python", "PYTHONUNBUFFERED", "1")],
)
def test_what_the_service_says_wins_over_its_kind(kind: str, name: str, usual: str) -> None:
    assert environment(service(kind=kind))[name] == usual
    assert environment(service(kind=kind, image__environment={name: "other"}))[name] == "other"


def test_the_service_may_choose_path_and_version_too() -> None:
    own = {"PATH": "/opt/bin", "APP_VERSION": "seven"}
    variables = environment(service(image__environment=own))
    assert own.items() <= variables.items()


def test_a_healthcheck_is_a_command_without_a_shell() -> None:
    check = config(service())["Healthcheck"]
    assert check["Test"] == ["CMD", "/usr/bin/python3.11", "healthcheck.py"]
    assert check["Timeout"] == 3 * SECOND
    assert check["Interval"] > check["Timeout"]


def test_without_a_healthcheck_none_is_made_up() -> None:
    assert "Healthcheck" not in config(service(image__healthcheck=None))


def test_the_signal_that_ends_it_is_the_services() -> None:
    assert config(service())["StopSignal"] == "SIGTERM"
    assert config(service(image__stop_signal="SIGQUIT"))["StopSignal"] == "SIGQUIT"


def test_where_a_dockerfile_says_how_it_runs_only_the_origin_is_told() -> None:
    described = image_config(dockerfile_service("plain"), CLEAN)
    assert described["config"] == {"Labels": described["annotations"]}
