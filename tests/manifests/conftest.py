"""Every environment, rendered by the real kubectl."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
NAMES = sorted(path.parent.name for path in MANIFESTS.glob("environments/*/environment.yaml"))
APPS = sorted(path.name for path in MANIFESTS.glob("apps/*"))
KUBECTL = Path(sys.executable).parent / "kubectl"
APP = "app.kubernetes.io/name"
Obj = dict[str, Any]


@dataclass(frozen=True)
class Overlay:
    """What one environment asks of a cluster."""

    name: str
    objects: list[Obj]

    def of(self, kind: str) -> list[Obj]:
        """List the objects of a kind."""
        return [obj for obj in self.objects if obj["kind"] == kind]

    @property
    def deployments(self) -> Iterator[tuple[str, Obj, Obj]]:
        """Go through the Deployments: name, spec, and the only container."""
        for obj in self.of("Deployment"):
            (container,) = obj["spec"]["template"]["spec"]["containers"]
            yield obj["metadata"]["name"], obj["spec"], container

    @property
    def settings(self) -> Obj:
        """Read its environment.yaml."""
        path = MANIFESTS / "environments" / self.name / "environment.yaml"
        return dict(yaml.safe_load(path.read_text()))

    @property
    def host(self) -> str:
        """Name the host of its address; empty for an address without a name."""
        host = urlsplit(self.settings["url"]).hostname or ""
        return "" if host[0].isdigit() else host


def render(folder: Path) -> list[Obj]:
    """Render a kustomization."""
    done = subprocess.run(
        [KUBECTL, "kustomize", folder], capture_output=True, text=True, check=True
    )
    return [obj for obj in yaml.safe_load_all(done.stdout) if obj]


@pytest.fixture(scope="session", params=NAMES)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    """Render one environment."""
    return Overlay(request.param, render(MANIFESTS / "environments" / request.param))
