"""Every service and environment of a repository, by name, with what one may ask of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

import dagger

from pipelines.catalog.delivery import check_gates_fit, check_overrides
from pipelines.catalog.document import DocumentError
from pipelines.catalog.environment import parse_environment
from pipelines.catalog.service import parse_service
from pipelines.catalog.slo import parse_slo
from pipelines.model import Environment, Service, Slo, slo_path

_SERVICE_FILES = "services/*/service.yaml"
_ENVIRONMENT_FILES = "manifests/environments/*/environment.yaml"
_SLO_FILES = "manifests/monitoring/slo/*.yaml"


class UnknownNameError(LookupError):
    """Something was asked for that the repository does not have; the message lists what it has."""

    def __init__(self, kind: str, name: str, known: list[str], where: str) -> None:
        listing = ", ".join(sorted(known)) or f"none (there is no {where})"
        super().__init__(f"unknown {kind} {name!r}. Known: {listing}")


class NotShippedError(LookupError):
    """A service was asked for in an environment that does not run it; the message says where to add it."""

    def __init__(self, environment: Environment, name: str) -> None:
        super().__init__(
            f"environment {environment.name!r} does not run {name!r}. It runs:"
            f" {', '.join(environment.services)}. To add it: `services` in {environment.file}"
            f" and `resources` in {environment.path}/kustomization.yaml"
        )


@dataclass(frozen=True)
class Catalog:
    """Every service and environment by name, and what services promise."""

    services: dict[str, Service]
    environments: dict[str, Environment]
    slos: dict[str, Slo] = field(default_factory=dict)

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

    def select(self, names: Iterable[str] = ()) -> tuple[Service, ...]:
        """Take the named services, or all of them in order of name when none is named."""
        wanted = dict.fromkeys(names)
        if not wanted and not self.services:
            raise UnknownNameError("service", "(any)", [], _SERVICE_FILES)
        return tuple(self.service(name) for name in sorted(wanted or self.services))

    def needed(self, name: str) -> tuple[str, ...]:
        """List what a service depends on, directly or by way of others, the nearest first."""
        found: dict[str, None] = {}
        waiting = list(self.services[name].dependencies)
        while waiting:
            each = waiting.pop(0)
            if each not in found:
                found[each] = None
                waiting += self.services[each].dependencies
        return tuple(found)

    def shipped(self, environment: Environment, names: Iterable[str] = ()) -> tuple[Service, ...]:
        """Take the services that an environment runs, narrowed to the named ones."""
        wanted = dict.fromkeys(names)
        for name in wanted:
            if self.service(name).name not in environment.services:
                raise NotShippedError(environment, name)
        chosen = (self.service(name) for name in environment.services)
        return tuple(service for service in chosen if not wanted or service.name in wanted)


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
    slos = [
        parse_slo(path, await source.file(path).contents())
        for path in sorted(await source.glob(_SLO_FILES))
    ]
    catalog = Catalog(
        {service.name: service for service in services},
        {environment.name: environment for environment in environments},
        {slo.name: slo for slo in slos},
    )
    check_references(catalog)
    return Catalog(
        {
            name: replace(each, dependencies=catalog.needed(name))
            for name, each in catalog.services.items()
        },
        catalog.environments,
        catalog.slos,
    )


def check_references(catalog: Catalog) -> None:
    """Refuse names of services that are not there, and services that wait for each other."""
    for file, key, name in _references(catalog):
        if name not in catalog.services:
            known = ", ".join(catalog.services)
            raise DocumentError(file, key, f"{name!r} is not a service, use one of: {known}")
    for environment in catalog.environments.values():
        for name in environment.services:
            service = catalog.services[name]
            check_overrides(environment, service)
            check_gates_fit(environment, service, catalog.slos.get(name))
    order = TopologicalSorter(
        {service.name: service.dependencies for service in catalog.services.values()}
    )
    try:
        order.prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        file = catalog.services[circle[0]].file
        told = f"services that depend on each other can never start: {' -> '.join(circle)}"
        raise DocumentError(file, "dependencies", told) from None


def _references(catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    for environment in catalog.environments.values():
        for position, name in enumerate(environment.services):
            yield environment.file, f"services[{position}]", name
        for name in environment.overrides:
            yield environment.file, f"overrides.{name}", name
    for slo in catalog.slos.values():
        yield slo_path(slo.name), "name", slo.name
    for service in catalog.services.values():
        for position, name in enumerate(service.dependencies):
            yield service.file, f"dependencies[{position}]", name
