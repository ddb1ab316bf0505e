"""Trivy: the scanner, its database of vulnerabilities, and one made of Debian's archive when that cannot be reached."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagger
from dagger import dag

from pipelines.programs import program
from pipelines.toolchains import python, versions
from pipelines.toolchains.calendar import this_quarter, today
from pipelines.toolchains.run import Ran, explain, run

CACHE = "/trivy"
TRIVY = "trivy"
ARCHIVE = "debian-archive"
NOT_COVERED = 3
"""The exit code of a scan that found nothing where it could look, and could not look everywhere."""
NO_DISTRIBUTION = 4
"""The exit code of a scan that found nothing in an image of which no database could tell, as it has no packages."""
ADVISORIES = (
    "__init__.py",
    "__main__.py",
    "archive.py",
    "bolt.py",
    "changelog.py",
    "database.py",
    "sources.py",
    "support.py",
    "version.py",
)
_BLIND = "language packages, vulnerabilities that Debian has not fixed or not named, severities"
_ALWAYS_INSTALLED = "base-files"
"""Every image has it: it names the release, which is what Trivy goes by."""
_REGISTRIES = ("mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2")
_MAKE_SECONDS = 900
_EXCEPTIONS = "/exceptions.yaml"
"""Trivy reads an ignore file as YAML by its name."""
_REPORTS = "/reports"


class NoDatabaseError(Exception):
    """There is no database; the message tells for each source why, one line each."""


@dataclass(frozen=True)
class Database:
    """What the scanner knows: `date` is the ISO day of it, `blind` says what it cannot see, empty for Trivy's own."""

    source: str
    date: str
    blind: str
    directory: dagger.Directory


@dataclass(frozen=True)
class Scanned:
    """A scan that ended; NAME.json and NAME.sarif in `reports`.

    Exit code 0 is clean, 1 has findings, 2 could not look, and `NOT_COVERED` has no findings, but the
    database of Debian's archive knows nothing of the image (another system) or of some packages.
    `NO_DISTRIBUTION` has none either, and no database could tell more.
    """

    ran: Ran
    reports: dagger.Directory


def scanner() -> dagger.Container:
    """Give a container with Trivy in it."""
    trivy = dag.container().from_(versions.TRIVY_IMAGE).file("/usr/local/bin/trivy")
    return (
        python.base()
        .with_file("/usr/local/bin/trivy", trivy)
        .with_env_variable("TRIVY_DISABLE_VEX_NOTICE", "true")
        .with_env_variable("TRIVY_NO_PROGRESS", "true")
        .with_new_file("/programs/scan.sh", program("scan.sh"), permissions=0o755)
        .with_new_file("/programs/secrets.yaml", program("secrets.yaml"))
        .with_new_file("/programs/censor.py", program("censor.py"))
        .with_new_file("/programs/fetch_database.py", program("fetch_database.py"))
        .with_directory(_REPORTS, dag.directory())
    )


async def database(
    builder: dagger.Container,
    packages: Iterable[str],
    fresh: str,
    roots: Sequence[dagger.Directory] = (),
) -> Database:
    """Give Trivy's database, or one made of Debian's archive; raise NoDatabaseError.

    The second covers `packages` (names, with or without a version) and what is installed in `roots`, the file
    systems of images that were made otherwise.
    """
    try:
        return await _downloaded(fresh)
    except NoDatabaseError as unreachable:
        try:
            return await _of_archive(builder, {_ALWAYS_INSTALLED, *packages}, roots)
        except NoDatabaseError as error:
            raise NoDatabaseError(f"{unreachable}\n{error}") from error


async def _downloaded(fresh: str) -> Database:
    """Fetch Trivy's own database.

    The answer holds for a quarter of a day, which is how often a new database comes out. One that could
    not be reached is asked for again then too, not with every run: silence costs its time-outs.
    """
    asked = scanner().with_env_variable("DATABASE_OF", fresh or this_quarter())
    ran = await run(asked, ["python3", "/programs/fetch_database.py", CACHE, *_REGISTRIES])
    if ran.exit_code != 0:
        causes = "; ".join(ran.output.strip().splitlines()) or f"exit code {ran.exit_code}"
        raise NoDatabaseError(f"Trivy's database: {causes}")
    directory = ran.container.directory(CACHE)
    metadata = json.loads(await directory.file("db/metadata.json").contents())
    return Database(TRIVY, metadata["UpdatedAt"][: len("2026-01-31")], "", directory)


async def _of_archive(
    builder: dagger.Container, packages: Iterable[str], roots: Sequence[dagger.Directory]
) -> Database:
    """Make a database of what the builder's archive tells; kept as long as its lists and the packages stay."""
    command = ["timeout", "--kill-after=10", str(_MAKE_SECONDS)]
    command += ["env", "PYTHONPATH=/programs", "python3", "-m", "advisories", f"--out={CACHE}"]
    made = builder
    for name in ADVISORIES:
        made = made.with_new_file(f"/programs/advisories/{name}", program(f"advisories/{name}"))
    for number, root in enumerate(roots):
        lists = root.filter(include=["var/lib/dpkg/status", "var/lib/dpkg/status.d/**"])
        made = made.with_mounted_directory(f"/roots/{number}", lists)
        command.append(f"--installed=/roots/{number}")
    # No `expect`: an archive that could not be reached is asked again by the next run.
    made = made.with_exec([*command, *sorted(packages)])
    try:
        coverage = json.loads(await made.stdout())
    except dagger.ExecError as error:
        raise NoDatabaseError(f"Debian's archive: {shorten(explain(error))}") from error
    blind = [_BLIND]
    if coverage["unknown"]:
        blind.append(f"what the archive does not have ({', '.join(coverage['unknown'])})")
    if coverage["limited"]:
        blind.append(f"what Debian mends in part only ({', '.join(coverage['limited'])})")
    return Database(ARCHIVE, coverage["date"], ", ".join(blind), made.directory(CACHE))


def shorten(output: str) -> str:
    """Take the cause out of what a tool wrote: the end of its last line."""
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "")
    return ": ".join(last.strip().split(": ")[-2:])


async def scan_image(
    layout: dagger.Directory,
    name: str,
    *,
    database: Database | None,
    exceptions: str = "",
    fresh: str = "",
) -> Scanned:
    """Scan an OCI layout for vulnerabilities, when there is a database, for secrets and a careless configuration."""
    container = scanner().with_mounted_directory("/layout", layout)
    mode = "image-without-database"
    if database is not None:
        mode = "image"
        container = container.with_mounted_directory(CACHE, database.directory)
    return await _scan(container, mode, "/layout", name, exceptions, fresh)


async def scan_secrets(
    folders: Mapping[str, dagger.Directory], name: str, *, exceptions: str = "", fresh: str = ""
) -> Scanned:
    """Search folders, named by their paths in the repository, for secrets; MEDIUM and up counts."""
    return await _scan(_with(folders), "secrets", "/scan", name, exceptions, fresh)


async def scan_configuration(
    folders: Mapping[str, dagger.Directory], name: str, *, exceptions: str = "", fresh: str = ""
) -> Scanned:
    """Check the Dockerfiles and manifests in folders, named as above; HIGH and CRITICAL counts."""
    return await _scan(_with(folders), "configuration", "/scan", name, exceptions, fresh)


def _with(folders: Mapping[str, dagger.Directory]) -> dagger.Container:
    container = scanner().with_directory("/scan", dag.directory())
    for path, folder in folders.items():
        container = container.with_mounted_directory(f"/scan/{path}", folder)
    return container


async def _scan(
    container: dagger.Container, mode: str, target: str, name: str, exceptions: str, fresh: str
) -> Scanned:
    command = ["/programs/scan.sh", mode, target, name, CACHE, _REPORTS]
    if fresh:
        container = container.with_env_variable("SHIPYARD_FRESH", fresh)
    if exceptions:
        # They expire: an answer of yesterday must not stand for today.
        container = container.with_new_file(_EXCEPTIONS, exceptions)
        container = container.with_env_variable("SCANNED_ON", today())
        command.append(_EXCEPTIONS)
    ran = await run(container, command)
    return Scanned(ran, ran.container.directory(_REPORTS))
