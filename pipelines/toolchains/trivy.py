"""Trivy: the scanner, and its database of vulnerabilities when one can be reached."""

import datetime

import dagger
from dagger import dag

from pipelines.programs import program
from pipelines.toolchains import python, versions
from pipelines.toolchains.run import Ran, run

CACHE = "/trivy"
_DOWNLOAD_SECONDS = 180
_HOURS = 6
_DOWNLOAD = ["trivy", "--quiet", "image", "--download-db-only", f"--cache-dir={CACHE}"]


def scanner() -> dagger.Container:
    """Give a container with Trivy in it."""
    trivy = dag.container().from_(versions.TRIVY_IMAGE).file("/usr/local/bin/trivy")
    return (
        python.base()
        .with_file("/usr/local/bin/trivy", trivy)
        .with_env_variable("TRIVY_DISABLE_VEX_NOTICE", "true")
        .with_env_variable("TRIVY_NO_PROGRESS", "true")
        .with_new_file("/programs/scan.sh", program("scan.sh"), permissions=0o755)
    )


def today() -> str:
    """Name the day, for answers that hold until the next."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


async def with_database(fresh: str) -> tuple[dagger.Container, Ran]:
    """Give the scanner with a database at `CACHE`, or without one, and what Trivy said.

    The answer holds for a quarter of a day, which is how often a new database comes out. One that could
    not be reached is asked for again then too, not with every run: silence costs its whole time-out.
    """
    quarter = datetime.datetime.now(datetime.UTC).hour // _HOURS
    asked = scanner().with_env_variable("DATABASE_OF", fresh or f"{today()}.{quarter}")
    ran = await run(asked, _DOWNLOAD, seconds=_DOWNLOAD_SECONDS)
    return ran.container, ran
