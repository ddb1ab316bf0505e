"""Is the image safe to run? Trivy looks for vulnerabilities, secrets and a careless configuration.

What could not be looked for is said so; whether that suffices is for the environment to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import dagger

from pipelines.model import Advisories, Service, Status
from pipelines.stages.build import Built
from pipelines.stages.exceptions import VULNERABILITIES, read_exceptions
from pipelines.stages.judge import Judged, ToolFailure, judge, last_line
from pipelines.stages.subject import Subject
from pipelines.toolchains import trivy
from pipelines.toolchains.calendar import today

_NAME = "scan"
_UNSATISFIED = 1
_PACKAGES = "var/lib/dpkg"
_PREFIX = "Vulnerabilities NOT looked for: "
_NO_SECRETS = "no secrets"
_CLEAN = "no known vulnerabilities, no secrets"


@dataclass(frozen=True)
class Knowledge:
    """The scanner's database, or why there is none."""

    database: trivy.Database | None
    missing: str = ""

    @property
    def level(self) -> Advisories:
        """How much is known, in the words that environments ask for it."""
        if self.database is None:
            return Advisories.OPTIONAL
        return Advisories.ARCHIVE if self.database.blind else Advisories.DATABASE


async def gather_knowledge(
    builder: dagger.Container, services: Iterable[Service], built: Iterable[Built], fresh: str
) -> Knowledge:
    """Fetch the scanner's database, or make one of Debian's archive for what the images hold."""
    chosen = list(services)
    packages = sorted({name for service in chosen for name in service.image.packages})
    roots = [each.root for each in built if each.root is not None]
    try:
        return Knowledge(await trivy.database(builder, packages, fresh, roots))
    except trivy.NoDatabaseError as error:
        return Knowledge(None, str(error))


async def scan_image(
    subject: Subject,
    built: Built,
    knowledge: Knowledge,
    wanted: Advisories = Advisories.OPTIONAL,
) -> Judged:
    """Scan an image; grave findings fail, and so does knowing less than an environment wants."""
    exceptions = await read_exceptions(subject.service, subject.files, VULNERABILITIES, today())
    scanned = await trivy.scan_image(
        built.layout,
        _NAME,
        database=knowledge.database,
        exceptions=exceptions,
        fresh=subject.fresh,
    )
    output, reports = scanned.ran.output, (scanned.reports,)
    nothing_told = scanned.ran.exit_code in (trivy.NOT_COVERED, trivy.NO_DISTRIBUTION)
    judged = Judged(output.strip(), reports) if nothing_told else judge([scanned.ran], reports)
    level = knowledge.level
    if nothing_told and (scanned.ran.exit_code == trivy.NOT_COVERED or await _has_packages(built)):
        level = Advisories.OPTIONAL
    if not _suffices(level, wanted):
        told = f"{judged.output}\n{_unsatisfied(knowledge, wanted)}"
        raise ToolFailure(_UNSATISFIED, told, judged.reports)
    if nothing_told or knowledge.database is None:
        told = last_line(output) if nothing_told else knowledge.missing
        remark = f"vulnerabilities were NOT looked for: {told.removeprefix(_PREFIX)}"
        return replace(judged, status=Status.NOT_MADE, note=_NO_SECRETS, remark=remark)
    return replace(judged, note=_CLEAN, remark=f"vulnerabilities {describe(knowledge.database)}")


async def _has_packages(built: Built) -> bool:
    """Tell whether an image holds packages, also when it does not say of which distribution."""
    return built.root is None or await built.root.exists(_PACKAGES)


def describe(database: trivy.Database) -> str:
    """Say what a database is, of which day, and what it cannot see."""
    told = f"known from {database.source} of {database.date}"
    return f"{told}, which cannot see: {database.blind}" if database.blind else told


def _suffices(level: Advisories, wanted: Advisories) -> bool:
    order = list(Advisories)
    return order.index(level) <= order.index(wanted)


def _unsatisfied(knowledge: Knowledge, wanted: Advisories) -> str:
    has = describe(knowledge.database) if knowledge.database else f"none: {knowledge.missing}"
    return (
        f"The environment asks for advisories: {wanted.value}, but what could be had is {has}.\n"
        "Run it where Trivy's database can be reached, or set `advisories` in environment.yaml"
        f" to {Advisories.ARCHIVE.value} or {Advisories.OPTIONAL.value} (docs/configuration.md)."
    )
