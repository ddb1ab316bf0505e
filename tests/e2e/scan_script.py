"""The scans of the pipelines in real containers: what they say of images, folders and manifests made here.

Usage, in the repository: _EXPERIMENTAL_DAGGER_CLI_BIN=.../drydock python -m tests.e2e.scan_script
Prints JSON: the database, and exit code, output and report of each scan.
"""

import json
import sys

import anyio
import dagger
from dagger import dag

from pipelines.toolchains import debian, trivy

CANDIDATES = ("libssl3", "libexpat1", "liblzma5", "libxml2", "libpython3.11-minimal")
TOKEN = "ghp_" + "0123456789abcdefABCDEF0123456789abcd"
PACK = ["python3", "-m", "pipelines.programs.pack"]
CONFIG = {
    "created": "1970-01-01T00:00:00Z",
    "architecture": "amd64",
    "os": "linux",
    "annotations": {},
    "config": {"User": "10001:10001", "Healthcheck": {"Test": ["CMD", "true"]}},
}


async def two_versions(builder: dagger.Container) -> tuple[str, str]:
    """Choose a package that the archive has in two versions, and give the older one."""
    for name in CANDIDATES:
        told = await builder.with_exec(["apt-cache", "madison", name]).stdout()
        offered = list(dict.fromkeys(line.split("|")[1].strip() for line in told.splitlines()))
        if len(offered) > 1:
            return name, offered[1]
    raise SystemExit(f"the archive has none of these in two versions: {', '.join(CANDIDATES)}")


def image(builder: dagger.Container, *packages: str) -> dagger.Directory:
    """Make an image of packages, the way the build does."""
    root = debian.unpacked(builder, packages).directory("/root-fs")
    return (
        builder.with_mounted_directory("/root-fs", root)
        .with_exec([*PACK, "layer", "--root=/root-fs", "--out=/packages"])
        .with_new_file("/config.json", json.dumps(CONFIG))
        .with_exec([*PACK, "image", "--config=/config.json", "--out=/layout", "/packages"])
        .directory("/layout")
    )


async def told(scanned: trivy.Scanned) -> dict[str, object]:
    """Give what a scan ended with."""
    reports = {
        name: await scanned.reports.file(name).contents()
        for name in await scanned.reports.entries()
    }
    return {"code": scanned.ran.exit_code, "output": scanned.ran.output, "reports": reports}


async def work() -> dict[str, object]:
    """Make the database and scan everything."""
    builder = await debian.builder("").sync()
    name, older = await two_versions(builder)
    alpine = dag.container().from_("alpine:3.20.2")
    database = await trivy.database(builder, [name], "", [alpine.rootfs()])
    scans = {}
    for title, packages in {"newest": (name,), "older": (f"{name}={older}",)}.items():
        layout = image(builder, *packages)
        scans[title] = await trivy.scan_image(layout, "scan", database=database)
    other = image(builder, name, "tini")
    scans["uncovered"] = await trivy.scan_image(other, "scan", database=database)
    scans["without"] = await trivy.scan_image(other, "scan", database=None)
    files = dag.directory().with_new_file("app.py", f'\ntoken = "{TOKEN}"\n')
    folders = {"services/shop": files}
    scans["secrets"] = await trivy.scan_secrets(folders, "secrets")
    entry = "{id: github-pat, statement: planted, expired_at: 2999-01-01}"
    scans["accepted"] = await trivy.scan_secrets(
        folders, "secrets", exceptions=f"secrets:\n  - {entry}\n"
    )
    careless = dag.directory().with_new_file("Dockerfile", "FROM debian:bookworm-slim\n")
    scans["configuration"] = await trivy.scan_configuration(
        {"services/shop": careless, "manifests/apps/shop": dag.directory()}, "configuration"
    )
    return {
        "database": [database.source, database.date, database.blind],
        **{title: await told(scanned) for title, scanned in scans.items()},
    }


async def main() -> None:
    """Connect, work, print JSON."""
    async with dagger.connection(dagger.Config(log_output=sys.stderr)):
        print(json.dumps(await work()))


if __name__ == "__main__":
    anyio.run(main)
