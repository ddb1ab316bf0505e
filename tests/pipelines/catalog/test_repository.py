"""The files of this repository: every service and environment is valid, and they fit each other."""

from pathlib import Path

from pipelines.catalog import Catalog
from pipelines.catalog.catalog import check_references
from pipelines.catalog.environment import parse_environment
from pipelines.catalog.service import parse_service

ROOT = Path(__file__).parents[3]


def test_every_service_and_environment_of_this_repository_is_valid() -> None:
    services = [
        parse_service(str(path.relative_to(ROOT)), path.read_text())
        for path in sorted(ROOT.glob("services/*/service.yaml"))
    ]
    environments = [
        parse_environment(str(path.relative_to(ROOT)), path.read_text())
        for path in sorted(ROOT.glob("manifests/environments/*/environment.yaml"))
    ]
    assert services
    assert environments
    check_references(
        Catalog({each.name: each for each in services}, {each.name: each for each in environments})
    )
