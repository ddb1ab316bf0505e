"""Images: what is pushed comes back, from registries, mirrors and archives, and is checked."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import tarfile
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drydock.runtime.errors import ImageFault, ImageNotFound, RegistryFault
from drydock.runtime.image import Image, ImageConfig
from drydock.runtime.images import ImageStore
from drydock.runtime.registry_config import Host, RegistryConfig
from drydock.runtime.snapshot import SnapshotStore
from drydock.runtime.state import StateDir

pytestmark = pytest.mark.root

CONFIG = ImageConfig(
    env=("PATH=/bin", "A=b=c"),
    entrypoint=("/bin/sh",),
    cmd=("-c", "true"),
    user="app",
    workdir="/w",
    labels={"l": "1"},
    exposed_ports=("80/tcp",),
    stop_signal="SIGINT",
)


@pytest.fixture
def images(state: StateDir, store: SnapshotStore) -> ImageStore:
    return ImageStore(state, store, config=RegistryConfig())


@pytest.fixture
async def image(store: SnapshotStore, images: ImageStore) -> Image:
    """Make an image of two layers; the second deletes a file of the first."""
    async with store.edit(store.empty) as edit:
        (edit.path / "a").write_text("1")
        (edit.path / "gone").write_text("x")
        first = await edit.commit()
    base = await images.assemble(ImageConfig(), first, mtime=0)
    async with store.edit(first) as edit:
        (edit.path / "gone").unlink()
        (edit.path / "b").write_text("2")
        second = await edit.commit()
    return await images.assemble(CONFIG, second, base=base, mtime=0)


async def elsewhere(tmp_path: Path, config: RegistryConfig | None = None) -> ImageStore:
    """Another machine: nothing is known there."""
    state = StateDir(tmp_path / "elsewhere")
    return ImageStore(state, SnapshotStore(state), config=config or RegistryConfig())


async def files(images: ImageStore, image: Image) -> dict[str, str]:
    async with images._snapshots.view(image.snapshot) as root:
        return {path.name: path.read_text() for path in root.iterdir()}


async def test_a_pushed_image_comes_back_the_same(
    images: ImageStore, image: Image, registry: str, tmp_path: Path
) -> None:
    """Configuration, files, layers and the manifest's digest survive push and pull."""
    pushed = await images.push(image, f"{registry}/team/app:1")
    assert pushed == f"{registry}/team/app:1@{image.digest}"
    other = await elsewhere(tmp_path)
    pulled = await other.pull(f"{registry}/team/app:1")
    assert (pulled.reference, pulled.digest) == (pushed, image.digest)
    assert pulled.config == CONFIG
    assert pulled.layers == image.layers
    assert await files(other, pulled) == {"a": "1", "b": "2"}
    assert await other.resolve(f"{registry}/team/app:1") == pushed


async def test_an_image_known_by_digest_needs_no_registry(
    images: ImageStore, image: Image, registry: str, tmp_path: Path
) -> None:
    """After one pull the digest alone is enough, also in a later process."""
    pushed = await images.push(image, f"{registry}/app:1")
    other = await elsewhere(tmp_path)
    first = await other.pull(pushed)
    gone = pushed.replace(registry, "127.0.0.1:1")
    again = await (await elsewhere(tmp_path)).pull(gone)
    assert again.snapshot == first.snapshot


async def test_skopeo_reads_what_is_pushed(
    images: ImageStore, image: Image, registry: str, tmp_path: Path
) -> None:
    """Another tool accepts the image, and what it pushes in Docker's form is read."""
    skopeo = shutil.which("skopeo")
    assert skopeo, "skopeo is not installed: make setup"
    await images.push(image, f"{registry}/app:1")
    command = [
        skopeo,
        "--insecure-policy",
        "copy",
        "-q",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--format=v2s2",
        f"docker://{registry}/app:1",
        f"docker://{registry}/app:docker",
    ]
    await asyncio.to_thread(subprocess.run, command, check=True)
    other = await elsewhere(tmp_path)
    pulled = await other.pull(f"{registry}/app:docker")
    assert pulled.config == CONFIG
    assert await files(other, pulled) == {"a": "1", "b": "2"}


async def test_an_index_yields_the_platform_that_is_asked_for(
    images: ImageStore, image: Image, registry: str, state: StateDir, tmp_path: Path
) -> None:
    """From an index the linux/amd64 manifest is taken; another platform is named as missing."""
    await images.push(image, f"{registry}/app:1")
    size = state.blob(image.digest).stat().st_size
    kind = "application/vnd.oci.image.manifest.v1+json"
    entry = {"mediaType": kind, "digest": image.digest, "size": size}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**entry, "platform": {"os": "linux", "architecture": "amd64"}}],
    }
    client = images._client
    async with client.repository(Host(registry), "app") as repository:
        content = json.dumps(index).encode()
        digest = await repository.put_manifest("multi", content, index["mediaType"])
    other = await elsewhere(tmp_path)
    pulled = await other.pull(f"{registry}/app:multi")
    assert pulled.digest == image.digest
    assert pulled.reference == f"{registry}/app:multi@{digest}"
    assert (await other.pull(pulled.reference)).snapshot == pulled.snapshot
    with pytest.raises(ImageFault, match="no image for linux/arm64, only for linux/amd64"):
        await other.pull(f"{registry}/app:multi", platform="linux/arm64")


async def test_a_mirror_answers_for_its_registry(
    images: ImageStore, image: Image, registry: str, tmp_path: Path
) -> None:
    """An image of docker.io comes from the mirror that engine.json names."""
    await images.push(image, f"{registry}/library/thing:1")
    engine_json = tmp_path / "engine.json"
    engine_json.write_text(
        json.dumps({"registries": {"docker.io": {"mirrors": [registry], "http": True}}})
    )
    other = await elsewhere(tmp_path, RegistryConfig.load(engine_json))
    pulled = await other.pull("thing:1")
    assert pulled.reference == f"docker.io/library/thing:1@{image.digest}"


async def test_a_dialled_connection_replaces_the_direct_one(
    images: ImageStore, image: Image, registry: str
) -> None:
    """With `dial` the name of the registry is never looked up, and stays in the reference."""
    asked: list[tuple[str, int]] = []
    host, port = registry.split(":")

    async def dial(name: str, number: int) -> tuple[StreamReader, StreamWriter]:
        asked.append((name, number))
        return await asyncio.open_connection(host, int(port))

    pushed = await images.push(image, "localhost:5000/app:1", dial=dial)
    assert pushed == f"localhost:5000/app:1@{image.digest}"
    assert set(asked) == {("localhost", 5000)}
    assert (await images.pull("localhost:5000/app:1", dial=dial)).digest == image.digest


async def test_a_missing_image_lists_reasons_and_recipes(images: ImageStore, registry: str) -> None:
    """The error tells what each registry said and what could be made without one."""
    with pytest.raises(ImageNotFound) as caught:
        await images.pull(f"{registry}/none:1")
    assert "HTTP 404" in str(caught.value)
    assert "python:3.11-slim-bookworm" in str(caught.value)


async def test_an_unreachable_registry_is_named(images: ImageStore) -> None:
    """Nobody listens: the error names host and port, not a traceback."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(ImageNotFound, match=f"{address} is not reachable"):
            await images.pull(f"{address}/app:1")


@pytest.mark.parametrize("form", ["oci", "docker"])
async def test_archives_hold_the_whole_image(
    images: ImageStore, image: Image, tmp_path: Path, form: str
) -> None:
    """An image written to a tar is read back elsewhere; writing it twice gives the same bytes."""
    one, two = tmp_path / "one.tar", tmp_path / "two.tar"
    for path in (one, two):
        await images.write_archive(image, path, format=form, tag="app:1")  # type: ignore[arg-type]
    assert one.read_bytes() == two.read_bytes()
    other = await elsewhere(tmp_path)
    read = await other.read_archive(one)
    assert read.config == CONFIG
    assert await files(other, read) == {"a": "1", "b": "2"}
    if form == "oci":
        assert read.digest == image.digest
    with pytest.raises(ImageFault, match="named app:9"):
        await other.read_archive(one, tag="app:9")


async def test_something_else_is_no_archive(images: ImageStore, tmp_path: Path) -> None:
    """A file that is no image is refused with its name."""
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(ImageFault, match=r"note\.txt"):
        await images.read_archive(tmp_path / "note.txt")


@pytest.mark.parametrize("key", ["Config", "Layers"])
async def test_an_archive_names_only_its_own_files(
    images: ImageStore, tmp_path: Path, key: str
) -> None:
    """A file of the machine is no part of an image, whatever the archive says."""
    (tmp_path / "outside.json").write_text("{}")
    outside = str(tmp_path / "outside.json")
    image: dict[str, object] = {"Config": "config.json", "Layers": []}
    image[key] = outside if key == "Config" else [outside]
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "config.json").write_text("{}")
    (tmp_path / "archive" / "manifest.json").write_text(json.dumps([image]))
    with pytest.raises(ImageFault, match="lies outside of the archive"):
        await images.read_archive(tmp_path / "archive")


@pytest.mark.parametrize("name", ["index.json", "manifest.json"])
async def test_a_link_of_an_archive_leads_nowhere_else(
    images: ImageStore, tmp_path: Path, name: str
) -> None:
    """Neither a link nor a member's name leads to a file of the machine, for reading or for writing."""
    (tmp_path / "outside.json").write_text("[]")
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "outside.json")
    escape = tarfile.TarInfo("../../escaped")
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        tar.addfile(link)
        tar.addfile(escape)
    with pytest.raises(ImageFault, match=r"lies outside of the archive|neither an OCI layout"):
        await images.read_archive(tmp_path / "image.tar")
    assert not await asyncio.to_thread(lambda: list(tmp_path.rglob("escaped")))


async def test_equal_inputs_give_equal_digests(images: ImageStore, store: SnapshotStore) -> None:
    """The digest of an image depends on its files and configuration only."""
    digests = set()
    for _ in range(2):
        async with store.edit(store.empty) as edit:
            (edit.path / "f").write_text("same")
            snapshot = await edit.commit()
        digests.add((await images.assemble(CONFIG, snapshot, mtime=0)).digest)
    assert len(digests) == 1


class LyingRegistry:
    """A registry that answers the first requests badly: broken, busy, or with other bytes."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.requests: list[str] = []

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        answer = self.answers.pop(0)
        writer.write(answer)
        await writer.drain()
        writer.close()


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@pytest.fixture
async def lying() -> AsyncIterator[tuple[LyingRegistry, str]]:
    registry = LyingRegistry([])
    server = await asyncio.start_server(registry.serve, "127.0.0.1", 0)
    async with server:
        yield registry, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_reading_is_tried_again_after_a_broken_answer(
    images: ImageStore, lying: tuple[LyingRegistry, str]
) -> None:
    """A dropped connection and a 503 are tried again; the third answer counts."""
    registry, address = lying
    registry.answers = [b"", answer("503 Busy"), answer("200 OK", b"{}")]
    async with images._client.repository(Host(address), "app") as repository:
        assert (await repository.manifest("1")).content == b"{}"
    assert len(registry.requests) == 3


async def test_other_bytes_than_the_digest_names_are_refused(
    images: ImageStore, lying: tuple[LyingRegistry, str], state: StateDir
) -> None:
    """A blob that does not match its digest never reaches the blob store."""
    registry, address = lying
    registry.answers = [answer("200 OK", b"evil")]
    digest = "sha256:" + "0" * 64
    async with images._client.repository(Host(address), "app") as repository:
        with pytest.raises(RegistryFault, match="other bytes"):
            await repository.download(digest)
    assert not state.blob(digest).exists()


async def test_a_bearer_challenge_is_answered_with_a_token(
    images: ImageStore, lying: tuple[LyingRegistry, str]
) -> None:
    """The token comes from the named realm, for this repository, and is shown to the registry."""
    registry, address = lying
    challenge = f'WWW-Authenticate: Bearer realm="http://{address}/token",service="s"'
    registry.answers = [
        answer("401 No", b"", challenge),
        answer("200 OK", b'{"token": "t0k3n"}'),
        answer("200 OK", b"{}"),
    ]
    async with images._client.repository(Host(address), "app") as repository:
        await repository.manifest("1")
    assert "scope=repository%3Aapp%3Apull" in registry.requests[1]
    assert "Bearer t0k3n" in registry.requests[2]


async def test_a_write_is_never_sent_twice(
    images: ImageStore, lying: tuple[LyingRegistry, str]
) -> None:
    """A failed upload of a manifest is reported, not repeated."""
    registry, address = lying
    registry.answers = [answer("500 Oops"), answer("201 Created")]
    async with images._client.repository(Host(address), "app") as repository:
        with pytest.raises(RegistryFault, match="HTTP 500"):
            await repository.put_manifest("1", b"{}", "application/json")
    assert len(registry.requests) == 1
