"""What containers have mounted while commands run: directories, files, caches, memory, secrets, sockets."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TypeVar

from drydock.engine.field import Call, field
from drydock.engine.process.mounts import (
    CacheMount,
    Mount,
    SecretMount,
    SocketMount,
    TempMount,
    TreeMount,
    with_mount,
    without_mount,
)
from drydock.engine.process.ownership import needs_names, resolve_owner
from drydock.engine.process.secret_store import Secret
from drydock.engine.tree import in_thread
from drydock.engine.tree.edit import TreeEdit
from drydock.engine.tree.paths import inside
from drydock.engine.types.cache_volume import CacheVolume
from drydock.engine.types.container import Container
from drydock.engine.types.directory import Directory
from drydock.engine.types.directory_edit import chown_below
from drydock.engine.types.file import File
from drydock.engine.types.socket import Socket

Source = TypeVar("Source", Directory, File)


@field("Container.mounts", quiet=True)
async def mounts(self: Container, _: Call) -> list[str]:
    """Return where something is mounted; secrets and sockets are not told."""
    await self.evaluate()
    return [
        mount.target for mount in self.mounts if not isinstance(mount, SecretMount | SocketMount)
    ]


def mounted(container: Container, mount: Mount) -> Container:
    """Return the container with one mount more."""
    return container.changed(mounts=with_mount(container.mounts, mount))


@field("Container.withMountedDirectory")
async def with_mounted_directory(
    self: Container,
    call: Call,
    *,
    path: str,
    source: Directory,
    owner: str,
    read_only: bool,
    expand: bool,
) -> Container:
    """Mount a directory; commands may write to it and later ones see that, unless it is read-only."""
    target = self.config.path(self.text(path, expand=expand))
    owned = _owned(self, call, source, owner) if owner else source
    return mounted(self, TreeMount(target, owned, read_only))


@field("Container.withMountedFile")
async def with_mounted_file(
    self: Container, call: Call, *, path: str, source: File, owner: str, expand: bool
) -> Container:
    """Mount a file."""
    target = self.config.path(self.text(path, expand=expand))
    owned = _owned(self, call, source, owner) if owner else source
    return mounted(self, TreeMount(target, owned))


def _owned(container: Container, call: Call, source: Source, owner: str) -> Source:
    """Return a copy of a directory or file that belongs to somebody, by the container's accounts."""
    named = needs_names(owner)
    engine = call.runtime

    async def apply(root: Path) -> None:
        if named:
            async with engine.snapshots.view(await container.rootfs.get()) as accounts:
                ids = await in_thread(resolve_owner, accounts, owner)
        else:
            ids = resolve_owner(root, owner)
        await in_thread(chown_below, inside(root, source.path), *ids)

    tree = TreeEdit(
        engine,
        source.tree,
        ["own", source.path, owner],
        apply,
        inputs=[container.rootfs] if named else [],
        base_key=source,
        cheap=False,
    )
    return dataclasses.replace(source, tree=tree, content=None, identity=None)


@field("Container.withMountedCache")
async def with_mounted_cache(
    self: Container,
    _: Call,
    *,
    path: str,
    cache: CacheVolume,
    source: Directory | None,
    sharing: str,
    owner: str,
    expand: bool,
) -> Container:
    """Mount a cache volume; `source` and `owner` count when the volume is made."""
    target = self.config.path(self.text(path, expand=expand))
    volume = dataclasses.replace(cache, source=source or cache.source)
    return mounted(self, CacheMount(target, volume, sharing, owner))


@field("Container.withMountedTemp")
async def with_mounted_temp(
    self: Container, _: Call, *, path: str, size: int | None, expand: bool
) -> Container:
    """Mount memory that is empty for each command; `size` in bytes."""
    target = self.config.path(self.text(path, expand=expand))
    return mounted(self, TempMount(target, size))


@field("Container.withMountedSecret")
async def with_mounted_secret(
    self: Container, _: Call, *, path: str, source: Secret, owner: str, mode: int, expand: bool
) -> Container:
    """Mount a secret's value as a file, for commands only."""
    target = self.config.path(self.text(path, expand=expand))
    return mounted(self, SecretMount(target, source, owner, mode & 0o777))


@field("Container.withUnixSocket")
async def with_unix_socket(
    self: Container, _: Call, *, path: str, source: Socket, owner: str, expand: bool
) -> Container:
    """Mount a socket of the host, for commands only."""
    target = self.config.path(self.text(path, expand=expand))
    return mounted(self, SocketMount(target, source, owner))


@field("Container.withoutMount")
async def without_mount_at(self: Container, _: Call, *, path: str, expand: bool) -> Container:
    """Remove what is mounted at a path."""
    target = self.config.path(self.text(path, expand=expand))
    return self.changed(mounts=without_mount(self.mounts, target))


@field("Container.withoutUnixSocket")
async def without_unix_socket(self: Container, _: Call, *, path: str, expand: bool) -> Container:
    """Remove the socket at a path."""
    target = self.config.path(self.text(path, expand=expand))
    return self.changed(mounts=without_mount(self.mounts, target))


# ---------------------------------------------------------------- secret variables


@field("Container.withSecretVariable")
async def with_secret_variable(self: Container, _: Call, *, name: str, secret: Secret) -> Container:
    """Set a variable to a secret's value, for commands only."""
    kept = tuple(item for item in self.secret_variables if item[0] != name)
    return self.changed(secret_variables=(*kept, (name, secret)))


@field("Container.withoutSecretVariable")
async def without_secret_variable(self: Container, _: Call, *, name: str) -> Container:
    """Remove a secret variable."""
    kept = tuple(item for item in self.secret_variables if item[0] != name)
    return self.changed(secret_variables=kept)
