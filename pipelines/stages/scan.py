"""Is the image safe to run? Trivy looks for vulnerabilities, secrets and misconfiguration.

What could not be looked for is said so; it never counts as clean.
"""

from dataclasses import dataclass

import dagger

from pipelines.model import Service, StageFailure
from pipelines.stages.build import Built
from pipelines.stages.exceptions import read_exceptions
from pipelines.toolchains import trivy
from pipelines.toolchains.run import run

_EXCEPTIONS = "/exceptions.yaml"
"""Trivy reads an ignore file as YAML by its name."""


@dataclass(frozen=True)
class Scanner:
    """Trivy with the database of the day, or with the reason why there is none."""

    container: dagger.Container
    missing: str


@dataclass(frozen=True)
class Scan:
    """What was looked for in an image that passed; `missing` tells what was not, and why."""

    scanned: tuple[str, ...]
    missing: str
    excepted: bool = False


async def prepare_scanner(fresh: str) -> Scanner:
    """Fetch the scanner and its database."""
    container, ran = await trivy.with_database(fresh)
    if ran.exit_code == 0:
        return Scanner(container, "")
    return Scanner(trivy.scanner(), shorten(ran.output) or f"exit code {ran.exit_code}")


def shorten(output: str) -> str:
    """Take the cause out of what Trivy wrote: the end of its last line."""
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "")
    return ": ".join(last.strip().split(": ")[-2:])


async def scan_image(
    service: Service, built: Built, source: dagger.Directory, scanner: Scanner, fresh: str
) -> Scan:
    """Scan an image and the manifests of its service; HIGH and CRITICAL findings fail."""
    exceptions = await read_exceptions(service, source.directory(service.path))
    scanners = ["secret"] if scanner.missing else ["vuln", "secret"]
    container = scanner.container.with_mounted_directory(
        "/layout", built.layout
    ).with_mounted_directory("/manifests", source.directory(f"manifests/apps/{service.name}"))
    if fresh:
        container = container.with_env_variable("SHIPYARD_FRESH", fresh)
    command = ["/programs/scan.sh", "/layout", "/manifests", ",".join(scanners), trivy.CACHE]
    if exceptions:
        # They expire: an answer of yesterday must not stand for today.
        container = container.with_new_file(_EXCEPTIONS, exceptions).with_env_variable(
            "SCANNED_ON", trivy.today()
        )
        command.append(_EXCEPTIONS)
    ran = await run(container, command)
    if ran.exit_code != 0:
        raise StageFailure(ran.exit_code, ran.output)
    return Scan((*scanners, "misconfiguration"), scanner.missing, bool(exceptions))
