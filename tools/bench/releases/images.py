"""Build and push the images of the bench with the public SDK; print a reference by digest for each.

Usage: _EXPERIMENTAL_DAGGER_CLI_BIN=.../drydock python images.py REPOSITORY VERSION:BEHAVIOUR...
"""

import json
import sys
from pathlib import Path

import anyio
import dagger

BASE = "python:3.11-slim-bookworm"
SERVER = Path(__file__).with_name("server.py")


async def main(repository: str, wanted: list[str]) -> None:
    """Connect, push, print JSON."""
    references = {}
    async with dagger.connection(dagger.Config(log_output=sys.stderr)):
        base = dagger.dag.container().from_(BASE).with_new_file("/server.py", SERVER.read_text())
        for each in wanted:
            version, _, behaviour = each.partition(":")
            image = (
                base.with_env_variable("VERSION", version)
                .with_env_variable("BEHAVIOUR", behaviour)
                .with_entrypoint(["python3", "/server.py"])
            )
            references[version] = await image.publish(f"{repository}:{version}")
    print(json.dumps(references))


anyio.run(main, sys.argv[1], sys.argv[2:])
