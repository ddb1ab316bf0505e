"""Pushing images to a registry, bound or remote, with or without a login."""

from dataclasses import dataclass

import dagger

from pipelines.model import Environment
from pipelines.toolchains.run import Ran, nonce, run
from pipelines.toolchains.server import port_of

ALIAS = "registry"
_PUSH_SECONDS = 900


@dataclass(frozen=True)
class RegistryAccess:
    """What it takes to push; `registry` is bound when it listens on this machine only."""

    registry: dagger.Service | None
    username: str
    token: dagger.Secret | None


async def bound_address(access: RegistryAccess, environment: Environment) -> str:
    """Name the registry the way a container reaches it."""
    if access.registry is None:
        return environment.registry_host.lower()
    return f"{ALIAS}:{await port_of(access.registry)}"


async def push(
    builder: dagger.Container,
    layout: dagger.Directory,
    access: RegistryAccess,
    environment: Environment,
    name: str,
) -> Ran:
    """Push a layout to `name` (repository and tag below the registry's host); never from a cache."""
    destination = f"{await bound_address(access, environment)}/{name}"
    container = builder.with_mounted_directory("/layout", layout).with_mounted_temp("/run/auth")
    flags: list[str] = []
    if access.registry is not None:
        container = container.with_service_binding(ALIAS, access.registry)
        flags.append("--dest-tls-verify=false")
    if access.token is not None:
        container = container.with_mounted_secret(
            "/run/secrets/registry-token", access.token
        ).with_env_variable("REGISTRY_USERNAME", access.username)
    once = container.with_env_variable("SHIPYARD_RUN", nonce())
    command = ["/programs/push.sh", "/layout", destination, *flags]
    return await run(once, command, seconds=_PUSH_SECONDS)
