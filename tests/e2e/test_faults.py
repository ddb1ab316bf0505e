"""Bad input and broken services: each ends non-zero, names the stage, and shows the tool's own words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Shipped

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Fault:
    """What is planted, the stage that must find it, and words of the tool that must be shown."""

    name: str
    plant: Callable[[Path], None]
    stage: str
    words: tuple[str, ...]


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


KEY = "AKIA" + "Z7Q2M4N6P8R3T5V9"
FAULTS = [
    Fault("black", append("app.py", "answer = {  'a':1 }\n"), "format", ("would reformat",)),
    Fault(
        "isort",
        replace("app.py", "import json\nimport os\n", "import os\nimport json\n"),
        "format",
        ("Imports are incorrectly sorted",),
    ),
    Fault("flake8", append("app.py", "\n\nunused = undefined_name\n"), "lint", ("F821",)),
    Fault(
        "mypy",
        append("app.py", '\n\ndef wrong() -> int:\n    """Lie."""\n    return "text"\n'),
        "types",
        ("Incompatible return value type",),
    ),
    Fault(
        "failing test",
        append("tests/test_app.py", "\n\ndef test_planted() -> None:\n    assert 1 + 1 == 3\n"),
        "test",
        ("test_planted", "assert (1 + 1) == 3"),
    ),
    Fault(
        "coverage",
        append("app.py", '\n\ndef unseen() -> int:\n    """Wait for a test."""\n    return 1\n'),
        "test",
        ("Required test coverage of 100",),
    ),
    Fault(
        "AWS key", append("gunicorn.conf.py", f'AWS_ACCESS_KEY_ID = "{KEY}"\n'), "scan", ("AWS",)
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_stops_the_release_and_is_explained(shipped: Shipped, fault: Fault) -> None:
    before = running_revision(shipped)
    copy = shipped.variant(f"fault-{fault.name.replace(' ', '-')}")
    fault.plant(copy / "services" / "backend")
    done = shipped.call("ship", "--env=local", cwd=copy)
    assert done.code != 0, done.text
    last = done.stderr[-6000:]
    assert f"backend: {fault.stage}" in last or f"{fault.stage} backend" in last, last
    for words in fault.words:
        assert words in last, last
    assert KEY not in done.text
    assert running_revision(shipped) == before


def test_a_crashing_image_is_rolled_back_while_the_old_version_serves(shipped: Shipped) -> None:
    before = running_image(shipped)
    copy = shipped.variant("fault-crash")
    append("gunicorn.conf.py", '\nraise RuntimeError("planted crash")\n')(
        copy / "services" / "backend"
    )
    process = shipped.place.start(shipped.drydock, "call", "ship", "--env=local", cwd=copy)
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
            "language: python",
            "language: cobol",
            ("services/backend/service.yaml", "language", "python"),
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


def running_revision(shipped: Shipped) -> str:
    return shipped.kubectl(
        "-n",
        "shipyard-local",
        "get",
        "deployment",
        "backend",
        "-o",
        "jsonpath={.metadata.generation}",
    ).stdout
