"""How a service is delivered: the keys that `service.yaml` has, and that an environment may override.

What is read here goes into the plan as it stands, so names and bounds are the plan's (`docs/delivery.md`).
"""

from collections.abc import Iterator, Mapping

from pipelines.catalog.document import Document, DocumentError
from pipelines.catalog.gates import check_gates, path
from pipelines.catalog.names import NAME, NAME_MEANING
from pipelines.model import Delivery, Environment, Promote, Service, Slo, Strategy, slo_path
from pipelines.model.delivery import OF_BLUE_GREEN, PREVIEW

_DAY = 86_400
_SECONDS = {"watch_seconds": _DAY, "standby_seconds": 7 * _DAY, "preview_seconds": 7 * _DAY}
_MOST_RATE = 1000
KEYS = ("strategy", *OF_BLUE_GREEN, "gates", "probe", "barrier")


def read_delivery(document: Document) -> Delivery:
    """Read the keys that are there; raise DocumentError."""
    if document.has("strategy"):
        document.choice("strategy", [each.value for each in Strategy])
    _check_blue_green(document.optional_section("blue_green"))
    check_gates(document.optional_section("gates"))
    _check_probe(document.optional_section("probe"))
    document.optional_text("set", pattern=NAME, meaning=NAME_MEANING)
    document.optional_text("barrier", pattern=r"(?s).*\S.*", meaning="why there is no way back")
    return Delivery({key: document.raw(key) for key in KEYS if document.has(key)})


def check_strategy(file: str, prefix: str, given: Delivery, effective: Delivery) -> None:
    """Refuse keys that would have no effect because the service is rolling; raise DocumentError."""
    if effective.is_blue_green:
        return
    found = [key for key in OF_BLUE_GREEN if key in given.values]
    if PREVIEW in given.values.get("gates", {}):
        found.append(f"gates.{PREVIEW}")
    for key in found:
        told = f"means nothing with strategy: {effective.strategy}, use strategy: blue-green"
        raise DocumentError(file, f"{prefix}{key}", told)


def check_overrides(environment: Environment, service: Service) -> None:
    """Refuse what an environment says of a service in vain; raise DocumentError."""
    given = environment.overrides.get(service.name, Delivery())
    prefix = f"overrides.{service.name}."
    check_strategy(environment.file, prefix, given, environment.delivery(service))


def check_gates_fit(environment: Environment, service: Service, slo: Slo | None) -> None:
    """Refuse gates that would have nobody to ask, or no target; raise DocumentError."""
    overridden = environment.overrides.get(service.name, Delivery()).values
    for place, gate in environment.delivery(service).gates():
        kind = gate["kind"]
        here = f"overrides.{service.name}.{place}"
        at = (environment.file, here) if "gates" in overridden else (service.file, place)
        if kind in ("burn-rate", "prometheus") and not (
            gate.get("address") or environment.prometheus
        ):
            raise DocumentError(
                environment.file,
                "prometheus",
                f"is missing, but {place} of {service.name} ({kind}) asks it. Give its address, or other"
                f" gates here: overrides.{service.name}.gates",
            )
        for problem in _missing_targets(service, gate, slo):
            raise DocumentError(*at, problem)


def _missing_targets(
    service: Service, gate: Mapping[str, object], slo: Slo | None
) -> Iterator[str]:
    promise = slo_path(service.name)
    if gate["kind"] == "burn-rate" and not (slo and slo.handlers):
        yield f"a burn-rate is that of a promise with handlers: write {promise}, or use: requests"
    if gate["kind"] == "requests" and slo is None:
        latency = gate.get("latency")
        if "success" not in gate or not (isinstance(latency, dict) and "milliseconds" in latency):
            yield f"targets are missing: give success and latency.milliseconds, or write {promise}"


def _check_blue_green(section: Document) -> None:
    for key, high in _SECONDS.items():
        if section.has(key):
            section.number(key, low=0, high=high)
    if section.has("promote"):
        section.choice("promote", [each.value for each in Promote])
    section.finish()


def _check_probe(section: Document) -> None:
    if section.has("rate"):
        section.decimal("rate", low=0, high=_MOST_RATE)
    if section.has("path"):
        path(section, "path")
    section.finish()
