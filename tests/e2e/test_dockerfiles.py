"""Every service's Dockerfile, for people who want one, makes an image that behaves as the pipeline's own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalog.service import parse_service
from pipelines.model import Commit, Service
from pipelines.stages.image_config import image_config
from tests.e2e.api_cases import CASES, Running, differences
from tests.e2e.conftest import Shipped
from tests.e2e.plants import SERVICES

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
SCRIPT = Path(__file__).with_name("dockerfiles_script.py")
SAMPLES = ("sample-app", "sample2-app")
REFUSED: list[dict[str, str]] = CASES["settings"]["refused"]
ONLY_THE_PIPELINE_KNOWS = {f"org.opencontainers.image.{word}" for word in ("created", "revision")}
NO_COMMIT = Commit(revision="", time=0, dirty=frozenset())
SECOND = 1_000_000_000
Images = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def services(shipped: Shipped) -> dict[str, Service]:
    """Read every service's description as the pipeline does."""
    found = {}
    for name in SERVICES:
        path = f"services/{name}/service.yaml"
        found[name] = parse_service(path, (shipped.repository / path).read_text())
    return found


@pytest.fixture(scope="module")
def images(shipped: Shipped, services: dict[str, Service]) -> Iterator[Images]:
    """Build and run all of them; the frontend finds the backend."""
    wanted = {
        name: {"port": service.port, "refused": REFUSED if name in SAMPLES else []}
        for name, service in services.items()
    }
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(shipped.repository / "services"), json.dumps(wanted)],
        cwd=shipped.place.root,
        env={**shipped.place.environ, "_EXPERIMENTAL_DAGGER_CLI_BIN": shipped.drydock},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        if not line:
            pytest.fail(process.communicate()[1][-6000:])
        yield json.loads(line)
    finally:
        process.communicate(timeout=60)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_apis_answer_every_case(images: Images, name: str) -> None:
    assert differences(Running(images[name]["address"], name, "testing", "1.2.3")) == []


def test_the_backend_answers(images: Images) -> None:
    with urllib.request.urlopen(images["backend"]["address"] + "/api/health", timeout=10) as answer:
        assert json.load(answer)["environment"] == "testing"


def test_the_frontend_serves_its_page_and_the_backends_data(images: Images) -> None:
    address = images["frontend"]["address"]
    with urllib.request.urlopen(address + "/some/page", timeout=10) as answer:
        assert "<app-root>" in answer.read().decode()
        assert answer.headers["X-Frame-Options"] == "DENY"
    with urllib.request.urlopen(address + "/api/data", timeout=10) as answer:
        assert json.load(answer)["count"] == 3


@pytest.mark.parametrize("name", SAMPLES)
def test_a_wrong_setting_ends_the_start_with_one_line(images: Images, name: str) -> None:
    """Of all of them at once, so that a report shows every difference."""
    allowed, wanted = CASES["settings"]["allowed"], []
    for (variable, value), *more in (settings.items() for settings in REFUSED):
        assert not more, "one variable each"
        line = f'{variable} is "{value}": allowed is {allowed[variable]}.\n'
        wanted.append({"code": 2, "stdout": "", "stderr": line})
    assert images[name]["ended"] == wanted


@pytest.mark.parametrize("name", SERVICES)
def test_the_image_runs_as_the_pipelines_does(
    images: Images, services: dict[str, Service], name: str
) -> None:
    image, service = images[name]["config"], services[name]
    config: Any = image_config(service, NO_COMMIT)["config"]
    for word in ("User", "WorkingDir", "Entrypoint", "Cmd"):
        assert image[word] == config[word], word
    assert image["ExposedPorts"] == list(config["ExposedPorts"])
    variables = dict(service.image.environment)
    assert {key: image["Env"].get(key) for key in variables} == variables


@pytest.mark.parametrize("name", SERVICES)
def test_the_image_is_asked_for_its_health_as_the_pipelines_is(
    images: Images, services: dict[str, Service], name: str
) -> None:
    """But for StartInterval, which Docker knows since version 25 only."""
    config: Any = image_config(services[name], NO_COMMIT)["config"]
    wanted = {
        word: f"{value // SECOND}s" if word in {"Interval", "Timeout", "StartPeriod"} else value
        for word, value in config["Healthcheck"].items()
        if word != "StartInterval"
    }
    assert images[name]["config"]["Healthcheck"] == wanted


@pytest.mark.parametrize("name", SERVICES)
def test_the_image_has_the_labels_that_its_builder_can_know(
    images: Images, services: dict[str, Service], name: str
) -> None:
    config: Any = image_config(services[name], NO_COMMIT)["config"]
    wanted = {key: text for key, text in config["Labels"].items() if "version" not in key}
    labels = images[name]["config"]["Labels"]
    assert labels.pop("org.opencontainers.image.version") == "unknown"
    assert labels == {
        key: text for key, text in wanted.items() if key not in ONLY_THE_PIPELINE_KNOWS
    }


@pytest.mark.parametrize("name", SERVICES)
def test_the_image_is_stopped_as_the_pipelines_is(
    shipped: Shipped, services: dict[str, Service], name: str
) -> None:
    """Read from the Dockerfile, as the SDK does not tell; SIGTERM is what runtimes send unasked."""
    text = (shipped.repository / "services" / name / "Dockerfile").read_text()
    found = re.findall(r"^STOPSIGNAL (\S+)$", text, re.MULTILINE) or ["SIGTERM"]
    assert found == [services[name].image.stop_signal]
