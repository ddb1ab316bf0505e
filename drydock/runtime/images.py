"""Images by name: registries and mirrors first, a recipe second.

Called by the engine (`Container.from`, `publish`, `import`) and the kubelet. Blobs and unpacked
layers are kept by content, so an image that is known by digest needs no network, and images share
what they have in common. When no registry or mirror answers for a name that a recipe knows, the
recipe makes the image from Debian packages and `notice` is told once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from drydock.runtime import archive
from drydock.runtime.errors import (
    ImageFault,
    ImageNotFound,
    RegistryFault,
    RegistryUnreachable,
)
from drydock.runtime.image import (
    INDEX_TYPES,
    OCI_CONFIG,
    OCI_MANIFEST,
    Image,
    ImageConfig,
    LayerBlob,
    canonical,
    choose_platform,
    load_document,
)
from drydock.runtime.network import Network
from drydock.runtime.pack import Compression
from drydock.runtime.recipes import Kitchen, Recipe, known_recipes, recipe_for
from drydock.runtime.reference import Reference
from drydock.runtime.registry import Manifest, RegistryClient, Repository
from drydock.runtime.registry_auth import Auth
from drydock.runtime.registry_config import RegistryConfig
from drydock.runtime.runner import Runner
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir
from drydock.runtime.transport import Dial

__all__ = ["Auth", "Dial", "ImageStore", "Notice"]

Notice = Callable[[str], None]
"""Hears in plain words that a recipe stood in for a registry."""

_CHAINS = "image-chain"
_LAYERS = "image-layer"
DEFAULT_PLATFORM = "linux/amd64"


class ImageStore:
    """The images of one process on one state directory."""

    def __init__(
        self,
        state: StateDir,
        snapshots: SnapshotStore,
        *,
        runner: Runner | None = None,
        network: Network | None = None,
        notice: Notice | None = None,
        config: RegistryConfig | None = None,
    ) -> None:
        self._state = state
        self._snapshots = snapshots
        self._client = RegistryClient(state, config)
        self._kitchen = Kitchen(state, snapshots, runner or Runner(state), network)
        self._notice = notice or (lambda _text: None)
        self._noticed: set[str] = set()
        self._unpacking: dict[str, asyncio.Lock] = {}

    async def resolve(
        self,
        reference: str,
        *,
        dial: Dial | None = None,
        auth: Auth | None = None,
        platform: str = DEFAULT_PLATFORM,  # noqa: ARG002 - an index is pinned as a whole
        notice: Notice | None = None,
    ) -> str:
        """Return `reference` with the digest that its tag names now.

        An image that only a recipe makes gets the digest of the recipe, which `pull` understands
        again; `notice` is told.
        """
        name = Reference.parse(reference)
        if name.digest:
            return str(name)
        try:
            async with self._find(name, dial, auth) as (_, manifest):
                return str(name.with_digest(manifest.digest))
        except RegistryFault as error:
            recipe = _stand_in(name, error)
            self._tell(name, recipe, error, notice)
            return str(name.with_digest(recipe.digest))

    async def pull(
        self,
        reference: str,
        *,
        dial: Dial | None = None,
        auth: Auth | None = None,
        platform: str = DEFAULT_PLATFORM,
        notice: Notice | None = None,
    ) -> Image:
        """Return the image that `reference` names, unpacked.

        `notice` is told if a recipe stands in for a registry. InvalidReference, ImageNotFound
        (lists why each registry failed and which recipes exist) or another ImageFault.
        """
        name = Reference.parse(reference)
        if name.digest and (recipe := recipe_for(name)) is not None:
            return await self._cook(name, recipe)
        known = self._known_manifest(name, platform)
        if known is not None:
            return await self._unpack(name, known, None)
        try:
            async with self._find(name, dial, auth) as (repository, manifest):
                pinned = name.with_digest(name.digest or manifest.digest)
                document = load_document(manifest.content, str(pinned))
                if _is_index(manifest.media_type, document):
                    chosen = choose_platform(document, platform, str(pinned))
                    manifest = await repository.manifest(chosen)  # noqa: PLW2901 - one of several
                return await self._unpack(pinned, manifest, repository)
        except RegistryFault as error:
            recipe = _stand_in(name, error)
            self._tell(name, recipe, error, notice)
        return await self._cook(name, recipe)

    async def assemble(
        self,
        config: ImageConfig,
        snapshot: Snapshot,
        *,
        base: Image | None = None,
        compression: Compression = "gzip",
        mtime: int | None = None,
    ) -> Image:
        """Make an image of a snapshot.

        The layers of `base` are reused, the difference becomes one layer. If `snapshot` was not
        made from `base`, everything becomes one layer. Equal inputs give equal digests.
        """
        layers: tuple[LayerBlob, ...] = ()
        below = self._snapshots.empty
        if base is not None and self._snapshots.steps(snapshot, base.snapshot) is not None:
            layers, below = base.layers, base.snapshot
            if not layers and below != self._snapshots.empty:
                layers = (await self._layer(below, self._snapshots.empty, compression, mtime),)
        if snapshot != below:
            layers = (*layers, await self._layer(snapshot, below, compression, mtime))
        document = config.to_json(tuple(layer.diff_id for layer in layers))
        digest = self._put_manifest(canonical(document), layers)
        return Image("", config, snapshot, digest, layers)

    async def push(
        self, image: Image, reference: str, *, dial: Dial | None = None, auth: Auth | None = None
    ) -> str:
        """Push an image, or an index with its images; return the reference with the digest."""
        name = Reference.parse(reference)
        if not image.digest or not self._state.blob(image.digest).exists():
            image = await self.assemble(image.config, image.snapshot)
        content = self._state.blob(image.digest).read_bytes()
        document = json.loads(content)
        host = self._client.config.host(name.registry)
        async with self._client.repository(host, name.repository, dial=dial, auth=auth) as target:
            for entry in document.get("manifests", ()):
                await self._push_manifest(target, entry["digest"], entry["digest"])
            digest = await self._push_manifest(target, name.target, image.digest)
        return str(name.with_digest(digest))

    async def write_archive(
        self,
        image: Image,
        path: Path,
        *,
        format: Literal["oci", "docker"] = "oci",  # noqa: A002 - the contract's name
        tag: str = "",
    ) -> None:
        """Write a tar archive of an image (OCI layout or docker-archive)."""
        if not image.digest or not self._state.blob(image.digest).exists():
            image = await self.assemble(image.config, image.snapshot)
        await asyncio.to_thread(archive.write, self._state, image.digest, path, format, tag)

    async def read_archive(
        self, path: Path, *, tag: str = "", platform: str = DEFAULT_PLATFORM
    ) -> Image:
        """Import an OCI layout (directory or tar) or a docker-archive.

        `tag` selects one image of several.
        """
        digest = await asyncio.to_thread(archive.read, self._state, path, tag, platform)
        content = self._state.blob(digest).read_bytes()
        return await self._unpack(None, Manifest(content, "", digest), None)

    async def _push_manifest(self, target: Repository, name: str, digest: str) -> str:
        """Push one manifest as a tag or digest, after the blobs it names; return its digest."""
        content = self._state.blob(digest).read_bytes()
        document = json.loads(content)
        if not _is_index("", document):
            blobs = {entry["digest"] for entry in (*document["layers"], document["config"])}
            await asyncio.gather(
                *(target.upload(blob, self._state.blob(blob)) for blob in sorted(blobs))
            )
        return await target.put_manifest(name, content, document.get("mediaType") or OCI_MANIFEST)

    # -- from registries

    @asynccontextmanager
    async def _find(
        self, name: Reference, dial: Dial | None, auth: Auth | None
    ) -> AsyncIterator[tuple[Repository, Manifest]]:
        """Open the first registry or mirror that has `name`.

        The last candidate's error tells of all of them.
        """
        hosts = self._client.config.candidates(name.registry)
        failures: list[RegistryFault] = []
        for host in hosts:
            async with self._client.repository(
                host, name.repository, dial=dial, auth=auth if host is hosts[-1] else None
            ) as repository:
                try:
                    manifest = await repository.manifest(name.target)
                except RegistryFault as error:
                    failures.append(error)
                    continue
                yield repository, manifest
                return
        # That one of them knows its business and has no such image says more than that another was
        # silent.
        telling = next((error for error in failures if error.status == 404), failures[-1])
        raise type(telling)("; ".join(map(str, failures)), status=telling.status)

    def _known_manifest(self, name: Reference, platform: str) -> Manifest | None:
        """Return the manifest of an image that is wholly here, by digest."""
        if not name.digest or not self._state.blob(name.digest).exists():
            return None
        document = json.loads(self._state.blob(name.digest).read_bytes())
        digest = name.digest
        if _is_index("", document):
            digest = choose_platform(document, platform, str(name))
            if not self._state.blob(digest).exists():
                return None
            document = json.loads(self._state.blob(digest).read_bytes())
        if not self._state.blob(document["config"]["digest"]).exists():
            return None
        config = json.loads(self._state.blob(document["config"]["digest"]).read_bytes())
        diff_ids = config.get("rootfs", {}).get("diff_ids", [])
        unpacked = self._unpacked(_chain_id(diff_ids)) is not None
        blobs = [entry["digest"] for entry in document["layers"]]
        if not unpacked and not all(self._state.blob(digest).exists() for digest in blobs):
            return None
        return Manifest(self._state.blob(digest).read_bytes(), "", digest)

    async def _unpack(
        self, name: Reference | None, manifest: Manifest, repository: Repository | None
    ) -> Image:
        document = load_document(manifest.content, str(name or "the archive"))
        if "config" not in document:
            raise ImageFault(f"{name or 'the archive'}: an index of indexes is no image")
        entries = document["layers"]
        wanted = [document["config"]["digest"]]
        fetches = {
            digest: asyncio.create_task(self._fetch(repository, digest))
            for digest in dict.fromkeys([*wanted, *(entry["digest"] for entry in entries)])
        }
        try:
            config = json.loads((await fetches[wanted[0]]).read_bytes())
            diff_ids = config.get("rootfs", {}).get("diff_ids", [])
            if len(diff_ids) != len(entries):
                raise ImageFault(
                    f"{name}: {len(entries)} layers, but {len(diff_ids)} layer digests"
                )
            snapshot = self._snapshots.empty
            for number, entry in enumerate(entries):
                chain = _chain_id(diff_ids[: number + 1])
                snapshot = await self._apply(
                    chain, snapshot, fetches[entry["digest"]], diff_ids[number]
                )
        finally:
            for fetch in fetches.values():
                fetch.cancel()
            await asyncio.gather(*fetches.values(), return_exceptions=True)
        layers = tuple(
            LayerBlob(entry["digest"], entry["size"], diff_id, entry["mediaType"])
            for entry, diff_id in zip(entries, diff_ids, strict=True)
        )
        reference = "" if name is None else str(name)
        return Image(reference, ImageConfig.from_json(config), snapshot, manifest.digest, layers)

    async def _fetch(self, repository: Repository | None, digest: str) -> Path:
        if repository is not None:
            return await repository.download(digest)
        return self._state.blob(digest)

    async def _apply(
        self, chain: str, parent: Snapshot, blob: asyncio.Task[Path], diff_id: str
    ) -> Snapshot:
        """Unpack one layer over its parent, unless that was done before, by whichever image."""
        async with self._unpacking.setdefault(chain, asyncio.Lock()):
            known = self._unpacked(chain)
            if known is None:
                known = await self._snapshots.apply_layer(parent, await blob, diff_id=diff_id)
                self._state.index.put(_CHAINS, chain, known.id)
            return known

    def _unpacked(self, chain: str) -> Snapshot | None:
        known = self._state.index.get(_CHAINS, chain)
        return None if known is None else self._snapshots.get(known)

    # -- from recipes and snapshots

    def _tell(
        self, name: Reference, recipe: Recipe, error: RegistryFault, notice: Notice | None
    ) -> None:
        """Say in plain words that an image is not the registry's.

        To the caller, and once to the store's owner.
        """
        unreachable = isinstance(error, RegistryUnreachable)
        reason = "no registry answered" if unreachable else "no registry has it"
        short = f"{name.repository.removeprefix('library/')}:{name.tag}"
        text = f"{short}: {reason}; made from {recipe.source}"
        if notice is not None:
            notice(text)
        if recipe.name not in self._noticed:
            self._noticed.add(recipe.name)
            self._notice(text)

    async def _cook(self, name: Reference, recipe: Recipe) -> Image:
        snapshot = await self._kitchen.cook(recipe)
        reference = str(name.with_digest(recipe.digest))
        return Image(reference, recipe.config, snapshot)

    async def _layer(
        self, snapshot: Snapshot, base: Snapshot, compression: Compression, mtime: int | None
    ) -> LayerBlob:
        key = f"{snapshot.id}-{base.id}-{compression}-{mtime}"
        known = self._state.index.get(_LAYERS, key)
        if known is not None and self._state.blob(known["digest"]).exists():
            return LayerBlob(**known)
        layer = await self._snapshots.export_layer(
            snapshot, base, compression=compression, mtime=mtime
        )
        self._state.index.put(_LAYERS, key, vars(layer))
        return layer

    def _put_manifest(self, config: bytes, layers: tuple[LayerBlob, ...]) -> str:
        digest = self._state.put_blob(config)
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": digest, "size": len(config)},
            "layers": [layer.descriptor() for layer in layers],
        }
        return self._state.put_blob(canonical(manifest))


def _is_index(media_type: str, document: Mapping[str, Any]) -> bool:
    return media_type in INDEX_TYPES or "manifests" in document


def _chain_id(diff_ids: list[str]) -> str:
    return " ".join(diff_ids)


def _stand_in(name: Reference, error: RegistryFault) -> Recipe:
    """Return the recipe to use after `error`.

    ImageNotFound if there is none, or a registry only had a bad moment.
    """
    recipe = recipe_for(name)
    if recipe is None:
        recipes = ", ".join(known_recipes())
        raise ImageNotFound(
            f"{name}: {error}. No recipe makes it either; "
            f"these images can be made without a registry: {recipes}"
        ) from error
    if not isinstance(error, RegistryUnreachable) and error.status != 404:
        raise ImageNotFound(f"{name}: {error}") from error
    return recipe
