"""A script of somebody who never heard of Shipyard: the public dagger-io SDK alone, run on whatever engine there is.

Usage: _EXPERIMENTAL_DAGGER_CLI_BIN=.../drydock python sdk_script.py FOLDER
"""

import json
import sys

import anyio
import dagger

IMAGE = "alpine:3.20.2"


async def work(client: dagger.Client, folder: str) -> dict[str, object]:
    """Use the parts of the API that a build script uses; return what was seen."""
    base = client.container().from_(IMAGE)
    source = client.host().directory(folder, exclude=["*.log"])
    token = client.set_secret("token", "s3cr3t-value")
    store = client.cache_volume("sdk-script")
    built = (
        base.with_mounted_directory("/src", source)
        .with_mounted_cache("/cache", store)
        .with_secret_variable("TOKEN", token)
        .with_workdir("/src")
        .with_exec(
            ["sh", "-c", "cat *.txt > /out.txt; echo token is $TOKEN; date +%s%N >> /cache/runs"]
        )
    )
    web = (
        base.with_new_file("/srv/index.html", "served\n")
        .with_exposed_port(8000)
        .as_service(args=["httpd", "-f", "-p", "8000", "-h", "/srv"])
    )
    client_of_web = base.with_service_binding("web", web).with_exec(
        ["wget", "-qO-", "http://web:8000/"]
    )
    try:
        await base.with_exec(["sh", "-c", "echo bad >&2; exit 5"]).sync()
        failure = "none"
    except dagger.ExecError as error:
        failure = f"{error.exit_code} {error.stderr}"
    return {
        "entries": await source.entries(),
        "stdout": await built.stdout(),
        "file": await built.file("/out.txt").contents(),
        "exported": await built.directory("/")
        .with_new_file("x", "y")
        .file("x")
        .export(f"{folder}/made/x"),
        "web": await client_of_web.stdout(),
        "failure": failure,
    }


async def main(folder: str) -> None:
    """Connect, work, print JSON."""
    async with dagger.connection(dagger.Config(log_output=sys.stderr)):
        print(json.dumps(await work(dagger.dag, folder)))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
