"""A service's file: a good one becomes a value, a bad one an error with file, key and what is allowed."""

import pytest

from pipelines.catalog import DocumentError
from pipelines.catalog.service import parse_service
from pipelines.model import Kind, Probes, Strategy
from tests.pipelines.examples import (
    SERVICE,
    SERVICE_TEXT,
    changed,
    dockerfile_service,
    service,
)

RECIPE = {"repository": "team/shop", "title": "Shop", "description": "Sells."}


def refusal(text: str) -> str:
    """Read a service that must be refused; return what is said."""
    with pytest.raises(DocumentError) as caught:
        parse_service(SERVICE, text)
    return str(caught.value)


def test_every_key_becomes_a_value() -> None:
    shop = parse_service(SERVICE, SERVICE_TEXT)
    assert (shop.name, shop.kind, shop.port) == ("shop", Kind.PYTHON, 5000)
    assert shop.probes == Probes(health="/api/health", ready="/api/ready")
    assert shop.image.packages == ("libc6", "python3.11-minimal=3.11.2-6", "tini")
    assert shop.image.files == ("app/**/*.py", "main.py")
    assert shop.image.exclude == ("**/test_*.py",)
    assert shop.image.entrypoint == ("/usr/bin/tini", "--")
    assert shop.image.command == ("/usr/bin/python3.11", "main.py")
    assert shop.image.healthcheck == ("/usr/bin/python3.11", "healthcheck.py")
    assert shop.image.environment == (("PORT", "5000"),)
    assert (shop.path, shop.manifests) == ("services/shop", "manifests/apps/shop")


def test_what_may_be_left_out_has_a_default() -> None:
    shop = service(image__exclude=None, image__healthcheck=None, image__environment=None)
    assert (shop.coverage, shop.strategy, shop.dependencies) == (100, Strategy.ROLLING, ())
    assert (shop.image.exclude, shop.image.healthcheck, shop.image.environment) == ((), (), ())
    assert shop.image.stop_signal == "SIGTERM"


def test_what_may_be_left_out_can_be_said() -> None:
    shop = service(
        coverage=80,
        strategy="rolling",
        dependencies=["stock", "cart"],
        image__stop_signal="SIGQUIT",
    )
    assert (shop.coverage, shop.strategy) == (80, Strategy.ROLLING)
    assert shop.dependencies == ("stock", "cart")
    assert shop.image.stop_signal == "SIGQUIT"


@pytest.mark.parametrize("kind", ["python", "node", "angular"])
def test_every_kind_that_is_packed_has_a_recipe(kind: str) -> None:
    assert service(kind=kind).image.packages


def test_a_dockerfile_says_itself_what_is_in_the_image() -> None:
    plain = dockerfile_service("plain")
    assert plain.kind is Kind.DOCKERFILE
    assert plain.image.repository == "team/plain"
    assert (plain.image.packages, plain.image.files, plain.image.command) == ((), (), ())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("packages", ["libc6"]),
        ("files", ["main.py"]),
        ("entrypoint", ["/bin/run"]),
        ("environment", {"PORT": "5000"}),
        ("healthcheck", ["/bin/ask"]),
    ],
)
def test_a_recipe_beside_a_dockerfile_is_refused(key: str, value: object) -> None:
    text = changed(SERVICE_TEXT, kind="dockerfile", image={**RECIPE, key: value})
    told = refusal(text)
    assert told.startswith(f"{SERVICE}: image.{key}: unknown key")
    assert told.endswith("Allowed: description, repository, title")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"kind": "cobol"},
            "kind: 'cobol' is not allowed, use one of: python, node, angular, dockerfile",
        ),
        ({"kind": ["python"]}, "kind: ['python'] is not allowed, use one of: python"),
        ({"kind": None}, "kind: is missing, give one of: python, node, angular, dockerfile"),
        ({"strategy": "canary"}, "strategy: 'canary' is not allowed, use one of: rolling"),
        ({"port": 70000}, "port: 70000 is not a whole number from 1 to 65535"),
        ({"port": 0}, "port: 0 is not a whole number from 1 to 65535"),
        ({"port": "5000"}, "port: '5000' is not a whole number from 1 to 65535"),
        ({"coverage": True}, "coverage: True is not a whole number from 0 to 100"),
        ({"coverage": 101}, "coverage: 101 is not a whole number from 0 to 100"),
        ({"probes": "/health"}, "probes: is not a mapping of keys to values"),
        ({"probes": None}, "probes: is missing, give a mapping"),
        ({"probes__health": "api"}, "probes.health: 'api' is not a path that starts with /"),
        ({"probes__ready": None}, "probes.ready: is missing, give a path that starts with /"),
        ({"probes__live": "/"}, "probes.live: unknown key. Allowed: health, ready"),
        ({"name": "cart"}, "name: 'cart' differs from its folder, use: shop"),
        ({"name": "Shop"}, "name: 'Shop' is not a name of small letters, digits and dashes"),
        ({"dependencies": "cart"}, "dependencies: 'cart' is not a list of a name"),
        ({"dependencies": ["Cart"]}, "dependencies[0]: 'Cart' is not a name of small letters"),
        ({"colour": "red"}, "colour: unknown key. Allowed: barrier, blue_green, coverage, dep"),
        ({"image": "x"}, "image: is not a mapping of keys to values"),
        ({"image__packges": []}, "image.packges: unknown key, did you mean 'packages'"),
        ({"image__packages": []}, "image.packages: [] is not a list of Debian package names"),
        ({"image__packages": ["Bad;rm"]}, "image.packages[0]: 'Bad;rm' is not Debian package"),
        ({"image__packages": ["a b"]}, "image.packages[0]: 'a b' is not Debian package names"),
        ({"image__files": ["../../etc"]}, "image.files[0]: '../../etc' is not paths"),
        ({"image__files": ["/etc/passwd"]}, "image.files[0]: '/etc/passwd' is not paths"),
        ({"image__exclude": ["a;b"]}, "image.exclude[0]: 'a;b' is not paths or patterns"),
        ({"image__repository": "Team/Shop"}, "image.repository: 'Team/Shop' is not a repository"),
        ({"image__stop_signal": "TERM"}, "image.stop_signal: 'TERM' is not a signal such as"),
        ({"image__entrypoint": None}, "image.entrypoint: is missing, give a list of text"),
        (
            {"port": 8100},
            "image.environment.PORT: '5000' differs from port: 8100",
        ),
        (
            {"image__environment": {"PORT": 1}},
            'image.environment.PORT: 1 is not text, quote it: "1"',
        ),
    ],
)
def test_a_wrong_service_names_file_key_and_what_is_allowed(
    changes: dict[str, object], message: str
) -> None:
    assert f"{SERVICE}: {message}" in refusal(changed(SERVICE_TEXT, **changes))


def test_a_misspelt_key_is_named_where_the_right_one_is_missed() -> None:
    told = refusal(changed(SERVICE_TEXT, port=None, prot=5000))
    assert told.startswith(f"{SERVICE}: port: is missing, give a whole number from 1 to 65535")
    assert told.endswith("(there is a key 'prot', is it misspelt?)")


def test_yaml_that_cannot_be_read_names_the_line() -> None:
    assert refusal("name: shop\n  port: [").startswith(f"{SERVICE}: line 2: not valid YAML")


@pytest.mark.parametrize("text", ["", "- name: shop", "shop", "1: 2"])
def test_what_is_no_mapping_is_told_so(text: str) -> None:
    assert refusal(text) == f"{SERVICE}: is not a mapping of keys to values"
