"""Bad input and broken releases: each ends non-zero and says what is wrong in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Shipped

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]


def append(file: str, text: str) -> Callable[[Path], None]:
    def plant(backend: Path) -> None:
        path = backend / file
        path.write_text(path.read_text() + text)

    return plant


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    def plant(backend: Path) -> None:
        path = backend / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return plant


def test_imports_out_of_order_are_found_and_shown(shipped: Shipped) -> None:
    copy = shipped.variant("fault-isort")
    replace("healthcheck.py", "import os\nimport sys\n", "import sys\nimport os\n")(
        copy / "services" / "backend"
    )
    done = shipped.call("format", "--service=backend", cwd=copy)
    assert done.code == 1
    assert "Imports are incorrectly sorted" in done.stderr
    assert "Again, this alone: dagger call format --service=backend" in done.stderr


def test_a_crashing_image_is_rolled_back_while_the_old_version_serves(shipped: Shipped) -> None:
    before = running_image(shipped)
    copy = shipped.variant("fault-crash")
    append("gunicorn.conf.py", '\nraise RuntimeError("planted crash")\n')(
        copy / "services" / "backend"
    )
    # Its own tests would find it first.
    command = (shipped.drydock, "call", "deploy", "--env=local", "--only=backend")
    process = shipped.place.start(*command, cwd=copy)
    statuses = set()
    while process.running:
        statuses.add(shipped.place.get("/api/health")[0])
        time.sleep(0.05)
    done = process.finish()
    assert done.code != 0
    assert statuses == {200}
    assert "CrashLoopBackOff" in done.stderr
    assert "planted crash" in done.stderr
    assert "deploy" in done.stderr[-6000:]
    assert running_image(shipped) == before
    assert shipped.place.get("/api/health")[0] == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("ship", "--env=nowhere"),
            ("unknown environment 'nowhere'", "local, production, staging, test"),
        ),
        (("ship", "--env=staging"), ("ghcr.io", "end up here", "--env=local")),
        (("lint", "--service=nothing"), ("unknown service 'nothing'", "backend")),
    ],
)
def test_a_name_that_does_not_fit_is_explained(
    shipped: Shipped, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = shipped.call(*arguments)
    assert done.code == 1
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "kind: python",
            "kind: cobol",
            ("services/backend/service.yaml", "kind", "python, node, angular, dockerfile"),
        ),
        ("port: 5000", "port: http", ("services/backend/service.yaml", "port")),
        (
            "coverage: 100",
            "coverege: 100",
            ("services/backend/service.yaml", "coverege", "coverage"),
        ),
        ("name: backend", "name: [", ("services/backend/service.yaml",)),
    ],
)
def test_a_broken_service_yaml_names_file_key_and_allowed_values(
    shipped: Shipped, old: str, new: str, words: tuple[str, ...]
) -> None:
    copy = shipped.variant(f"broken-{new.split(':')[1].strip(' []') or 'yaml'}-{old.split(':')[0]}")
    replace("service.yaml", old, new)(copy / "services" / "backend")
    done = shipped.call("ship", "--env=local", cwd=copy)
    assert done.code == 1
    for word in words:
        assert word in done.stderr.split("\nError: ")[-1]
    assert "Traceback" not in done.stderr.split("\nError: ")[-1]


def running_image(shipped: Shipped) -> str:
    template = "jsonpath={.spec.template.spec.containers[0].image}"
    return shipped.kubectl(
        "-n", "shipyard-local", "get", "deployment", "backend", "-o", template
    ).stdout
