"""Services and environments that tests talk about, as texts of their own: none of the repository's is depended on."""

from dataclasses import dataclass

import yaml

from pipelines.catalog import Catalog
from pipelines.catalog.environment import parse_environment
from pipelines.catalog.service import parse_service
from pipelines.model import Commit, Environment, Service

REVISION = "0123456789abcdef0123456789abcdef01234567"
CLEAN = Commit(revision=REVISION, time=1_700_000_000, dirty=frozenset())

SERVICE = "services/shop/service.yaml"
SERVICE_TEXT = """\
name: shop
kind: python
port: 5000
probes: {health: /api/health, ready: /api/ready}
image:
  repository: team/shop
  title: Shop
  description: Sells what there is.
  packages: [libc6, python3.11-minimal=3.11.2-6, tini]
  files: ["app/**/*.py", main.py]
  exclude: ["**/test_*.py"]
  entrypoint: [/usr/bin/tini, --]
  command: [/usr/bin/python3.11, main.py]
  healthcheck: [/usr/bin/python3.11, healthcheck.py]
  environment: {PORT: "5000"}
"""
ENVIRONMENT = "manifests/environments/near/environment.yaml"
ENVIRONMENT_TEXT = """\
name: near
namespace: shop-near
services: [shop]
registry: localhost:5000
url: http://127.0.0.1:8080
"""


@dataclass(frozen=True, eq=False)
class Folder:
    """Files whose digest is their text; in an engine they would be a directory."""

    text: str

    async def digest(self) -> str:
        """Give the text."""
        return f"sha256:{self.text}"


def changed(text: str, **changes: object) -> str:
    """Give a text with keys changed; `a__b` is a key below another, None takes a key out."""
    values = yaml.safe_load(text)
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


def service(name: str = "shop", **changes: object) -> Service:
    """Read a service like SERVICE_TEXT."""
    renamed = {"name": name, "image__repository": f"team/{name}", **changes}
    return parse_service(f"services/{name}/service.yaml", changed(SERVICE_TEXT, **renamed))


def dockerfile_service(name: str, **changes: object) -> Service:
    """Read a service that has a Dockerfile only."""
    image = {"repository": f"team/{name}", "title": name, "description": "As its Dockerfile says."}
    return service(
        name, kind="dockerfile", image=image, image__repository=f"team/{name}", **changes
    )


def blue_green(name: str = "shop", **changes: object) -> Service:
    """Read a service like SERVICE_TEXT whose next version comes up beside the present one."""
    return service(name, strategy="blue-green", **changes)


def environment(*services: str, **changes: object) -> Environment:
    """Read an environment like ENVIRONMENT_TEXT that runs the named services."""
    listed = {"services": list(services) or ["shop"], **changes}
    return parse_environment(ENVIRONMENT, changed(ENVIRONMENT_TEXT, **listed))


def catalog(*services: Service, environments: tuple[Environment, ...] = ()) -> Catalog:
    """Make a catalogue of these."""
    return Catalog(
        {each.name: each for each in services}, {each.name: each for each in environments}
    )
