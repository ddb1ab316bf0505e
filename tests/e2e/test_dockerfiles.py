"""Every service's Dockerfile, for people who want one, makes an image that behaves as the pipeline's own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.api_cases import Running, differences
from tests.e2e.conftest import Shipped
from tests.e2e.plants import SERVICES

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
SCRIPT = Path(__file__).with_name("dockerfiles_script.py")
Images = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def described(shipped: Shipped) -> dict[str, dict[str, Any]]:
    """Read every service's description."""
    folder = shipped.repository / "services"
    return {name: yaml.safe_load((folder / name / "service.yaml").read_text()) for name in SERVICES}


@pytest.fixture(scope="module")
def images(shipped: Shipped, described: dict[str, dict[str, Any]]) -> Iterator[Images]:
    """Build and run all of them; the frontend finds the backend."""
    wanted = [f"{name}={described[name]['port']}" for name in SERVICES]
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(shipped.repository / "services"), *wanted],
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


@pytest.mark.parametrize("name", ["sample-app", "sample2-app"])
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


@pytest.mark.parametrize("name", SERVICES)
def test_the_image_runs_as_the_pipelines_does(
    images: Images, described: dict[str, dict[str, Any]], name: str
) -> None:
    image = images[name]
    assert image["user"] in {"10001", "10001:10001"}
    assert image["workdir"] == "/app"
    assert image["entrypoint"][0].endswith("tini")
    assert described[name]["port"] in image["ports"]
    assert image["healthcheck"]
    assert {
        "org.opencontainers.image.title",
        "org.opencontainers.image.description",
        "org.opencontainers.image.version",
    } <= set(image["labels"])
