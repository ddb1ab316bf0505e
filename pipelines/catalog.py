"""The catalogue: which services and environments a repository has.

Reads `services/*/service.yaml` and `manifests/environments/*/environment.yaml`, nothing else, so
that it works on any repository that follows these two conventions. The flows ask it; the parsing
functions are pure.
"""

from dataclasses import dataclass

import dagger

from pipelines.document import Document, DocumentError
from pipelines.model import Environment, ImageRecipe, Language, Service

_NAME = r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?"
_NAME_MEANING = "a name of small letters, digits and dashes"
_PACKAGE = r"[a-z0-9][-+.a-z0-9]+"
_FILE = r"(?!/)(?!.*\.\.)[-+._/A-Za-z0-9]+"
_SERVICE_FILES = "services/*/service.yaml"
_ENVIRONMENT_FILES = "manifests/environments/*/environment.yaml"


class UnknownNameError(LookupError):
    """Something was asked for that the repository does not have; the message lists what it has."""

    def __init__(self, kind: str, name: str, known: list[str], where: str) -> None:
        listing = ", ".join(sorted(known)) or f"none (there is no {where})"
        super().__init__(f"unknown {kind} {name!r}. Known: {listing}")


@dataclass(frozen=True)
class Catalog:
    """Every service and environment by name."""

    services: dict[str, Service]
    environments: dict[str, Environment]

    def service(self, name: str) -> Service:
        """Find a service, or list the known ones."""
        if name not in self.services:
            raise UnknownNameError("service", name, list(self.services), _SERVICE_FILES)
        return self.services[name]

    def environment(self, name: str) -> Environment:
        """Find an environment, or list the known ones."""
        if name not in self.environments:
            raise UnknownNameError("environment", name, list(self.environments), _ENVIRONMENT_FILES)
        return self.environments[name]

    def select(self, name: str) -> tuple[Service, ...]:
        """Take one service, or all of them in order of name when none is given."""
        if name:
            return (self.service(name),)
        if not self.services:
            raise UnknownNameError("service", "(any)", [], _SERVICE_FILES)
        return tuple(self.services[known] for known in sorted(self.services))

    def shipped(self, environment: Environment, name: str) -> tuple[Service, ...]:
        """Take the services that an environment runs, narrowed to one when it is given."""
        if name and self.service(name).name not in environment.services:
            raise UnknownNameError(
                f"service of environment {environment.name!r}",
                name,
                list(environment.services),
                _ENVIRONMENT_FILES,
            )
        return tuple(self.service(each) for each in environment.services if name in ("", each))


async def read_catalog(source: dagger.Directory) -> Catalog:
    """Read every service and environment of a repository."""
    services = [
        parse_service(path, await source.file(path).contents())
        for path in sorted(await source.glob(_SERVICE_FILES))
    ]
    environments = [
        parse_environment(path, await source.file(path).contents())
        for path in sorted(await source.glob(_ENVIRONMENT_FILES))
    ]
    catalog = Catalog(
        {service.name: service for service in services},
        {environment.name: environment for environment in environments},
    )
    for environment in environments:
        for position, name in enumerate(environment.services):
            if name not in catalog.services:
                raise DocumentError(
                    f"{environment.path}/environment.yaml",
                    f"services[{position}]",
                    f"{name!r} is not a service, use one of: {', '.join(catalog.services)}",
                )
    return catalog


def parse_service(path: str, text: str) -> Service:
    """Turn the text of `services/NAME/service.yaml` into a service."""
    document = Document.parse(path, text)
    image = document.section("image")
    service = Service(
        name=_name_of_folder(document, path),
        language=Language(document.choice("language", [language.value for language in Language])),
        port=document.number("port", low=1, high=65535),
        health=document.text("health", pattern=r"/[!-~]*", meaning="a path that starts with /"),
        coverage=document.number("coverage", low=0, high=100, default=100),
        image=ImageRecipe(
            repository=image.text(
                "repository",
                pattern=r"[a-z0-9]+([-._/][a-z0-9]+)*",
                meaning="a repository such as team/name, in small letters",
            ),
            title=image.text("title"),
            description=image.text("description"),
            packages=image.texts("packages", pattern=_PACKAGE, meaning="Debian package names"),
            files=image.texts("files", pattern=_FILE, meaning="paths inside the service's folder"),
            entrypoint=image.texts("entrypoint"),
            command=image.texts("command"),
            environment=image.pairs("environment"),
        ),
    )
    image.finish()
    document.finish()
    return service


def parse_environment(path: str, text: str) -> Environment:
    """Turn the text of `manifests/environments/NAME/environment.yaml` into an environment."""
    document = Document.parse(path, text)
    environment = Environment(
        name=_name_of_folder(document, path),
        namespace=document.text("namespace", pattern=_NAME, meaning=_NAME_MEANING),
        services=document.texts("services", pattern=_NAME, meaning=_NAME_MEANING),
        registry=document.text(
            "registry",
            pattern=r"[a-zA-Z0-9.-]+(:\d+)?(/[-._a-zA-Z0-9]+)*",
            meaning="a registry such as ghcr.io/owner or localhost:5000",
        ),
        url=document.text("url", pattern=r"https?://[^\s]+", meaning="an http or https address"),
        rollout_seconds=document.number("rollout_seconds", low=5, high=3600, default=300),
        pull_secret=document.optional_text("pull_secret", pattern=_NAME, meaning=_NAME_MEANING),
    )
    document.finish()
    return environment


def _name_of_folder(document: Document, path: str) -> str:
    name = document.text("name", pattern=_NAME, meaning=_NAME_MEANING)
    folder = path.split("/")[-2]
    if name != folder:
        raise document.error("name", f"{name!r} differs from its folder, use: {folder}")
    return name
