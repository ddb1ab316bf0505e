"""compose.yaml starts every service as its service.yaml and its Dockerfile say, as strictly as the cluster does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.catalog.service import parse_service
from pipelines.model import Service

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
FOLDERS = {path.parent.name: path.parent for path in ROOT.glob("services/*/service.yaml")}
BESIDE = 10_000
"""How far a port of this machine is from the container's: Drydock listens on 5000 and 8080."""


@pytest.fixture(scope="module")
def composed() -> dict[str, dict[str, Any]]:
    """Read the services, what they share merged in."""
    services: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


@pytest.fixture(params=sorted(FOLDERS))
def service(request: pytest.FixtureRequest) -> Service:
    """Read the description of each service."""
    path = FOLDERS[request.param] / "service.yaml"
    return parse_service(str(path.relative_to(ROOT)), path.read_text())


@pytest.fixture
def dockerfile(service: Service) -> list[str]:
    """Give the instructions of the last stage of its Dockerfile, a line each."""
    text = (FOLDERS[service.name] / "Dockerfile").read_text().replace("\\\n", " ")
    return re.split(r"^FROM .*$", text, flags=re.MULTILINE)[-1].strip().splitlines()


def test_the_file_fits_the_compose_specification() -> None:
    program = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent))
    assert program, "check-jsonschema is not installed, run: make setup-dev"
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_is_there_and_nothing_else(composed: dict[str, Any]) -> None:
    assert sorted(composed) == sorted(FOLDERS)


def test_a_service_is_built_from_its_folder(composed: dict[str, Any], service: Service) -> None:
    own = composed[service.name]
    assert own["build"] == f"services/{service.name}"
    assert own["image"] == f"{service.image.repository}:local"
    assert {watch["path"] for watch in own["develop"]["watch"]} == {own["build"]}


def test_only_this_machine_reaches_a_service_beside_drydocks_ports(
    composed: dict[str, Any], service: Service
) -> None:
    wanted = f"127.0.0.1:{service.port + BESIDE}:{service.port}"
    assert composed[service.name]["ports"] == [wanted]


def test_a_service_waits_until_its_dependencies_are_healthy(
    composed: dict[str, Any], service: Service
) -> None:
    waits = composed[service.name].get("depends_on", {})
    assert sorted(waits) == sorted(service.dependencies)
    assert {one["condition"] for one in waits.values()} <= {"service_healthy"}


def test_a_service_can_write_nothing_but_tmp_and_has_no_rights(
    composed: dict[str, Any], service: Service
) -> None:
    own = composed[service.name]
    assert own["read_only"] is True
    assert [mount.partition(":")[0] for mount in own["tmpfs"]] == ["/tmp"]
    assert own["cap_drop"] == ["ALL"]
    assert own["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "volumes", "user", "network_mode"} & set(own)


def test_nobody_is_root(dockerfile: list[str]) -> None:
    users = [line.split()[1] for line in dockerfile if line.startswith("USER ")]
    assert users == ["10001:10001"]


def test_the_images_own_healthcheck_is_asked(
    composed: dict[str, Any], service: Service, dockerfile: list[str]
) -> None:
    assert any(line.startswith("HEALTHCHECK ") for line in dockerfile)
    assert set(composed[service.name]["healthcheck"]) == {"interval", "timeout", "retries"}


def test_the_variables_are_those_that_the_service_reads(
    composed: dict[str, Any], service: Service
) -> None:
    told = composed[service.name].get("environment", {})
    names = {name for name, _ in service.image.environment if name.endswith("_ENV")} - {"NODE_ENV"}
    assert {name: told.get(name) for name in names} == dict.fromkeys(names, "local")
    assert set(told) - names <= {"LOG_LEVEL"}


def test_there_is_time_to_finish_what_was_begun(composed: dict[str, Any], service: Service) -> None:
    """3 s of draining, and 20 s for what is in flight."""
    assert int(composed[service.name]["stop_grace_period"].removesuffix("s")) > 3 + 20
