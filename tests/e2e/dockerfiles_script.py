"""Build the Dockerfiles of services, run what comes out, and say where: a script of the public SDK alone.

Usage: _EXPERIMENTAL_DAGGER_CLI_BIN=.../drydock python dockerfiles_script.py SERVICES NAME=PORT...

Writes one line of JSON, per service its address on this machine and what its image says of itself, and ends when its
standard input does. The first service is known to the others by its name.
"""

import json
import sys

import anyio
import dagger
from dagger import dag

SETTINGS = {"APP_ENV": "testing", "FLASK_ENV": "testing", "APP_VERSION": "1.2.3"}


def image(folder: str, name: str) -> dagger.Container:
    """Build a Dockerfile."""
    ignored = ["**/node_modules", "**/.angular", "dist", "reports"]
    return dag.host().directory(f"{folder}/{name}", exclude=ignored).docker_build()


async def described(container: dagger.Container) -> dict[str, object]:
    """Tell what an image says about how it runs."""
    healthcheck = container.docker_healthcheck()
    return {
        "user": await container.user(),
        "workdir": await container.workdir(),
        "entrypoint": await container.entrypoint(),
        "ports": [await port.port() for port in await container.exposed_ports()],
        "labels": [await label.name() for label in await container.labels()],
        "healthcheck": await healthcheck.args(),
    }


async def main(folder: str, wanted: dict[str, int]) -> None:
    """Run everything until told to end."""
    async with dagger.connection(dagger.Config(log_output=sys.stderr)):
        told: dict[str, dict[str, object]] = {}
        first: tuple[str, dagger.Service] | None = None
        for name, port in wanted.items():
            container = image(folder, name)
            running = container.with_exposed_port(port)
            for variable, value in SETTINGS.items():
                running = running.with_env_variable(variable, value)
            if first is not None:
                running = running.with_service_binding(*first)
            service = running.as_service(use_entrypoint=True)
            first = first or (name, service)
            tunnel = await dag.host().tunnel(service).start()
            told[name] = {
                "address": await tunnel.endpoint(scheme="http"),
                **await described(container),
            }
        print(json.dumps(told), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    pairs = (argument.partition("=") for argument in sys.argv[2:])
    anyio.run(main, sys.argv[1], {name: int(port) for name, _, port in pairs})
