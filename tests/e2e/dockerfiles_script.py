"""Build the Dockerfiles of services, run what comes out, and say where: a script of the public SDK alone.

Usage: _EXPERIMENTAL_DAGGER_CLI_BIN=.../drydock python dockerfiles_script.py SERVICES WANTED

WANTED is JSON: per service its port, and the settings with which it is to end at once. Writes one line of JSON, per service
its address on this machine, how it ended with each of these settings, and what its image says of itself in the words of the
OCI image specification; ends when its standard input does. The first service is known to the others by its name.
"""

import json
import sys
from typing import Any

import anyio
import dagger
from dagger import dag

SETTINGS = {"APP_ENV": "testing", "FLASK_ENV": "testing", "APP_VERSION": "1.2.3"}
PATIENCE_S = 60
"""How long a service may take to refuse its settings."""


def image(folder: str, name: str) -> dagger.Container:
    """Build a Dockerfile."""
    ignored = ["**/node_modules", "**/.angular", "dist", "reports"]
    return dag.host().directory(f"{folder}/{name}", exclude=ignored).docker_build()


async def described(container: dagger.Container) -> dict[str, object]:
    """Tell what an image says about how it runs."""
    healthcheck = container.docker_healthcheck()
    variables = await container.env_variables()
    return {
        "User": await container.user(),
        "WorkingDir": await container.workdir(),
        "Entrypoint": await container.entrypoint(),
        "Cmd": await container.default_args(),
        "ExposedPorts": [
            f"{await port.port()}/{(await port.protocol()).value.lower()}"
            for port in await container.exposed_ports()
        ],
        "Env": {await one.name(): await one.value() for one in variables},
        "Labels": {await one.name(): await one.value() for one in await container.labels()},
        "Healthcheck": {
            "Test": ["CMD", *await healthcheck.args()],
            "Interval": await healthcheck.interval(),
            "Timeout": await healthcheck.timeout(),
            "StartPeriod": await healthcheck.start_period(),
            "Retries": await healthcheck.retries(),
        },
    }


async def ended(container: dagger.Container, settings: dict[str, str]) -> dict[str, object]:
    """Run an image with settings that it refuses; tell how it ended."""
    for name, value in settings.items():
        container = container.with_env_variable(name, value)
    with anyio.fail_after(PATIENCE_S):
        # tini is the first process, as in a container of Docker; else it warns that it is not.
        done = container.with_exec(
            [], use_entrypoint=True, no_init=True, expect=dagger.ReturnType.ANY
        )
        return {
            "code": await done.exit_code(),
            "stdout": await done.stdout(),
            "stderr": await done.stderr(),
        }


async def main(folder: str, wanted: dict[str, Any]) -> None:
    """Run everything until told to end."""
    async with dagger.connection(dagger.Config(log_output=sys.stderr)):
        told: dict[str, dict[str, object]] = {}
        first: tuple[str, dagger.Service] | None = None
        for name, asked in wanted.items():
            container = image(folder, name)
            running = container.with_exposed_port(asked["port"])
            for variable, value in SETTINGS.items():
                running = running.with_env_variable(variable, value)
            if first is not None:
                running = running.with_service_binding(*first)
            service = running.as_service(use_entrypoint=True)
            first = first or (name, service)
            tunnel = await dag.host().tunnel(service).start()
            told[name] = {
                "address": await tunnel.endpoint(scheme="http"),
                "ended": [await ended(container, settings) for settings in asked["refused"]],
                "config": await described(container),
            }
        print(json.dumps(told), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], json.loads(sys.argv[2]))
