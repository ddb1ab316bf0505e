"""Images of containers: `from` and `import` on the way in, `publish`, `export` and `asTarball` on the way out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.lazy import Lazy, digest_of
from drydock.engine.process.command import container_key
from drydock.engine.process.image_output import Form, pack, write_tar
from drydock.engine.process.registries import SessionRegistries
from drydock.engine.process.secret_store import Secret, SessionSecrets
from drydock.engine.tree.edit import TreeEdit
from drydock.engine.types.client_path import export_path
from drydock.engine.types.container import Container
from drydock.engine.types.file import File
from drydock.engine.types.service import Service
from drydock.runtime.errors import ImageFault
from drydock.runtime.image import Image
from drydock.runtime.snapshot import Snapshot

_ARCHIVE_NAME = "container.tar"


# ---------------------------------------------------------------- in


@field("Container.from")
async def from_(
    self: Container, call: Call, *, address: str, registry_service: Service | None
) -> Container:
    """Start from an image; what the container has of variables, labels and ports stays."""
    registries = call.session.part(SessionRegistries)
    image = await registries.pull(address, self.platform, registry_service)
    return _on(self, image, Lazy.ready(_image_key(image), image.snapshot))


def _on(container: Container, image: Image, rootfs: Lazy[Snapshot]) -> Container:
    return container.changed(
        rootfs=rootfs,
        config=container.config.based_on(image.config),
        platform=f"{image.config.os}/{image.config.architecture}",
        last=None,
        image_ref=image.reference,
        base=image,
    )


def _image_key(image: Image) -> str:
    return digest_of("image", image.digest or image.reference)


@field("Container.imageRef", quiet=True)
async def image_ref(self: Container, _: Call) -> str:
    """Return the image that the container is; only directly after `from`."""
    if not self.image_ref:
        raise EngineError(
            "Image reference can only be retrieved immediately after the 'Container.From' call. "
            "Error in fetching imageRef as the container image is changed"
        )
    return self.image_ref


@field("Container.import")
async def import_(self: Container, call: Call, *, source: File, tag: str) -> Container:
    """Start from an image in an archive (OCI layout or docker-archive)."""

    async def read() -> Image:
        async with source.mounted(call.runtime) as path:
            try:
                return await call.runtime.images.read_archive(path, tag=tag, platform=self.platform)
            except ImageFault as error:
                # An archive that cannot be read has come to its end too early, whatever is in it.
                unreadable = isinstance(error.__cause__, EOFError | OSError) or (
                    "not a readable image archive" in str(error)
                )
                reason = "unexpected EOF" if unreadable else str(error)
                raise EngineError(f"image archive import: {reason}") from error

    async def snapshot() -> Snapshot:
        return (await read()).snapshot

    try:
        image = await read()
    except EngineError:
        # The error belongs to whoever needs the files: the archive may yet be made.
        key = digest_of("import", await source.key(), tag)
        return self.changed(rootfs=Lazy.make(key, snapshot), last=None, base=None)
    imported = _on(self, image, Lazy.ready(_image_key(image), image.snapshot))
    return imported.changed()


# ---------------------------------------------------------------- out


@field("Container.publish", memo=False)
async def publish(
    self: Container,
    call: Call,
    *,
    address: str,
    platform_variants: list[Container],
    forced_compression: str | None,
    media_types: str | None,
    registry_service: Service | None,
) -> str:
    """Push the image (an index, if there are variants); return its address with digest."""
    form = Form.of(media_types, forced_compression)
    image = await pack(call.runtime, [self, *platform_variants], form)
    return await call.session.part(SessionRegistries).push(image, address, registry_service)


@field("Container.asTarball")
async def as_tarball(
    self: Container,
    call: Call,
    *,
    platform_variants: list[Container],
    forced_compression: str | None,
    media_types: str | None,
) -> File:
    """Return the image as an archive."""
    containers = [self, *platform_variants]
    form = Form.of(media_types, forced_compression)

    async def apply(root: Path) -> None:
        image = await pack(call.runtime, containers, form)
        await write_tar(call.runtime, image, root / _ARCHIVE_NAME, form)

    secrets = call.session.part(SessionSecrets)
    tree = TreeEdit(
        call.runtime,
        Lazy.ready("empty", call.runtime.snapshots.empty),
        ["tarball", form.docker, form.compression],
        apply,
        inputs=[_KeyOf(container, secrets) for container in containers],
        cheap=False,
    )
    return File(tree, f"/{_ARCHIVE_NAME}", shown=_ARCHIVE_NAME)


class _KeyOf:
    """A container as an input of an edit."""

    def __init__(self, container: Container, secrets: SessionSecrets) -> None:
        self.key = partial(container_key, container, secrets)


@field("Container.export", memo=False)
async def export(
    self: Container,
    call: Call,
    *,
    path: str,
    platform_variants: Sequence[Container],
    forced_compression: str | None,
    media_types: str | None,
    expand: bool,
) -> str:
    """Write the image as an archive (mode 0600) to the client's machine; return the absolute path."""
    target = export_path(call, self.text(path, expand=expand))
    form = Form.of(media_types, forced_compression)
    image = await pack(call.runtime, [self, *platform_variants], form)
    draft = call.runtime.state.fresh("export") / _ARCHIVE_NAME
    await write_tar(call.runtime, image, draft, form)
    await asyncio.to_thread(_deliver, draft, target)
    return str(target)


def _deliver(draft: Path, target: Path) -> None:
    """Move a finished file to where the client wants it; parents are made with mode 0700."""
    if target.is_dir():
        raise EngineError(f'destination "{target}" is a directory; must be a file path')
    for parent in reversed(target.parents):
        if not parent.exists():
            parent.mkdir(mode=0o700)
    # Beside the target first, so that nobody ever sees half an archive.
    beside = target.with_name(f".{target.name}.part")
    try:
        with draft.open("rb") as source, beside.open("wb") as copy:
            os.fchmod(copy.fileno(), 0o600)
            while piece := source.read(1 << 20):
                copy.write(piece)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
        draft.unlink()
        draft.parent.rmdir()


@field("Container.exportImage", memo=False)
async def export_image(
    self: Container,  # noqa: ARG001 - the same signature as on a real engine
    _: Call,
    *,
    name: str,
    platform_variants: Sequence[Container],  # noqa: ARG001
    forced_compression: str | None,  # noqa: ARG001
    media_types: str | None,  # noqa: ARG001
) -> None:
    """Say why an image cannot be put into a container runtime of the host."""
    raise EngineError(
        f"cannot export {name}: Drydock runs on machines without a container runtime, so there is "
        "no image store to load it into; use export (an archive) or publish (a registry)"
    )


# ---------------------------------------------------------------- logins


@field("Container.withRegistryAuth", memo=False)
async def with_registry_auth(
    self: Container, call: Call, *, address: str, username: str, secret: Secret
) -> Container:
    """Log in to a registry for the rest of the session."""
    call.session.part(SessionRegistries).login(address, username, secret)
    return self


@field("Container.withoutRegistryAuth", memo=False)
async def without_registry_auth(self: Container, call: Call, *, address: str) -> Container:
    """Log out of a registry."""
    call.session.part(SessionRegistries).logout(address)
    return self
