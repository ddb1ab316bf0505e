"""One command to run in a container, and the key under which its result is remembered.

The key holds everything that a command can see: files (by the keys of what made them), configuration, mounts, services,
secrets by the name or hash that stands for them. Not in it: the content of cache volumes, volatile variables, secret
values. Labels and the order of variables are in it, as on a real engine.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drydock.engine.lazy import digest_of
from drydock.engine.process.mounts import (
    CacheMount,
    Mount,
    SecretMount,
    SocketMount,
    TempMount,
    TreeMount,
)
from drydock.engine.process.outcome import Expectation

if TYPE_CHECKING:
    from drydock.engine.process.secret_store import SecretStore
    from drydock.engine.types.container import Container

# Part of every key: raise it when an old result would no longer be right.
_VERSION = 1


@dataclass(frozen=True)
class Command:
    """What `withExec` or `asService` runs."""

    args: tuple[str, ...]
    expect: Expectation = Expectation.SUCCESS
    stdin: str = ""
    redirect_stdin: str = ""
    redirect_stdout: str = ""
    redirect_stderr: str = ""
    nested: bool = False  # may ask the engine
    privileged: bool = False
    init: bool = True


async def command_key(container: Container, command: Command, secrets: SecretStore) -> str:
    """Return the cache key of a command in a container."""
    return digest_of(
        "exec",
        _VERSION,
        await container_key(container, secrets),
        {**dataclasses.asdict(command), "expect": command.expect.value},
    )


async def container_key(container: Container, secrets: SecretStore) -> str:
    """Return a key of everything a command in this container can see."""
    return digest_of(
        await container.rootfs.key(),
        container.platform,
        dataclasses.asdict(container.config),
        [await _mount_key(mount, secrets) for mount in container.mounts],
        [
            [name, await secrets.cache_identity(secret)]
            for name, secret in container.secret_variables
        ],
        [[alias, await service.key(secrets)] for alias, service in container.services],
    )


async def _mount_key(mount: Mount, secrets: SecretStore) -> list[Any]:
    match mount:
        case TreeMount():
            return ["tree", mount.target, await mount.source.key(), mount.read_only]
        case CacheMount():
            return ["cache", mount.target, mount.volume.id, mount.sharing, mount.owner]
        case TempMount():
            return ["temp", mount.target, mount.size]
        case SecretMount():
            identity = await secrets.cache_identity(mount.secret)
            return ["secret", mount.target, identity, mount.owner, mount.mode]
        case SocketMount():
            return ["socket", mount.target, mount.socket.address, mount.owner]
