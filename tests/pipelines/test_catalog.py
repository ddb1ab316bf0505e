"""The catalogue: good files become values, bad ones an error with file, key and what is allowed."""

from pathlib import Path

import pytest
import yaml

from pipelines.catalog import (
    Catalog,
    UnknownNameError,
    parse_environment,
    parse_service,
)
from pipelines.document import DocumentError

ROOT = Path(__file__).parents[2]
SERVICE = "services/backend/service.yaml"
LOCAL = "manifests/environments/local/environment.yaml"


def changed(path: str, **changes: object) -> str:
    """Give the text of a file of this repository with keys changed; None takes a key out."""
    values = yaml.safe_load((ROOT / path).read_text())
    for dotted, value in changes.items():
        *sections, key = dotted.split("__")
        target = values
        for section in sections:
            target = target[section]
        if value is None:
            del target[key]
        else:
            target[key] = value
    return yaml.safe_dump(values)


@pytest.mark.parametrize("path", sorted(str(p) for p in (ROOT / "services").glob("*/service.yaml")))
def test_every_service_of_this_repository_is_valid(path: str) -> None:
    assert parse_service(path, Path(path).read_text()).name == Path(path).parent.name


@pytest.mark.parametrize(
    "path", sorted(str(p) for p in (ROOT / "manifests/environments").glob("*/environment.yaml"))
)
def test_every_environment_of_this_repository_is_valid(path: str) -> None:
    assert parse_environment(path, Path(path).read_text()).name == Path(path).parent.name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"language": "cobol"}, "language: 'cobol' is not allowed, use one of: python"),
        ({"port": 70000}, "port: 70000 is not a whole number from 1 to 65535"),
        ({"port": "5000"}, "port: '5000' is not a whole number from 1 to 65535"),
        ({"coverage": True}, "coverage: True is not a whole number from 0 to 100"),
        ({"health": "api"}, "health: 'api' is not a path that starts with /"),
        ({"health": None}, "health: is missing, give a path that starts with /"),
        ({"name": "frontend"}, "name: 'frontend' differs from its folder, use: backend"),
        ({"colour": "red"}, "colour: unknown key. Allowed: coverage, health"),
        ({"image__packges": []}, "image.packges: unknown key, did you mean 'packages'"),
        ({"image__packages": []}, "image.packages: [] is not a list of Debian package names"),
        ({"image__packages": ["Bad;rm"]}, "image.packages[0]: 'Bad;rm' is not Debian package"),
        ({"image__files": ["../../etc"]}, "image.files[0]: '../../etc' is not paths inside"),
        (
            {"image__environment": {"PORT": 1}},
            'image.environment.PORT: 1 is not text, quote it: "1"',
        ),
        ({"image": "x"}, "image: is not a mapping of keys to values"),
    ],
)
def test_a_wrong_service_names_file_key_and_what_is_allowed(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_service(SERVICE, changed(SERVICE, **changes))
    assert f"{SERVICE}: {message}" in str(caught.value)


def test_yaml_that_cannot_be_read_names_the_line() -> None:
    with pytest.raises(DocumentError, match=f"{SERVICE}: line 2: not valid YAML"):
        parse_service(SERVICE, "name: backend\n  port: [")


def test_a_registry_with_upper_case_gives_a_lower_case_repository() -> None:
    environment = parse_environment(LOCAL, changed(LOCAL, registry="ghcr.io/Some-Owner"))
    service = parse_service(SERVICE, (ROOT / SERVICE).read_text())
    assert environment.repository(service) == "ghcr.io/some-owner/shipyard/backend"
    assert not environment.registry_is_local


def test_the_local_registry_is_known_to_be_local() -> None:
    assert parse_environment(LOCAL, (ROOT / LOCAL).read_text()).registry_is_local


@pytest.fixture
def catalog() -> Catalog:
    """Give a catalogue of one service and one environment."""
    service = parse_service(SERVICE, (ROOT / SERVICE).read_text())
    environment = parse_environment(LOCAL, (ROOT / LOCAL).read_text())
    return Catalog({"backend": service}, {"local": environment})


def test_unknown_names_list_the_known_ones(catalog: Catalog) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown environment 'prod'\. Known: local"):
        catalog.environment("prod")
    with pytest.raises(UnknownNameError, match=r"unknown service 'api'\. Known: backend"):
        catalog.select("api")


def test_an_empty_repository_is_told_so() -> None:
    with pytest.raises(UnknownNameError, match=r"none \(there is no services/\*/service.yaml\)"):
        Catalog({}, {}).select("")


def test_all_or_one_service_is_chosen(catalog: Catalog) -> None:
    environment = catalog.environment("local")
    assert [each.name for each in catalog.select("")] == ["backend"]
    assert [each.name for each in catalog.shipped(environment, "backend")] == ["backend"]
