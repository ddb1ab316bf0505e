"""The image of a service: layers packed by our own packer, the same bytes everywhere.

Debian's packages below, what the service's kind needs above them, its own files on top: a change of
the service packs the smallest layer anew and nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import anyio
import dagger

from pipelines.model import Commit, Image, Service, StageFailure
from pipelines.stages.image_config import HOME, image_config
from pipelines.stages.subject import Subject
from pipelines.toolchains import debian
from pipelines.toolchains.python import IMAGE_PLATFORM
from pipelines.toolchains.run import TIMED_OUT, bounded

_PACK = ["python3", "-m", "pipelines.programs.pack"]
_NORMALIZE = ["python3", "-m", "pipelines.programs.normalize"]
DOCKERFILE_SECONDS = 1800
_TO_LAYOUT = ["--config=/config.json", "--out=/layout"]


@dataclass(frozen=True)
class Built:
    """A packed image: its OCI layout and what the packer said about it.

    `root` is the file system of an image that was not made of packages that its service lists.
    """

    service: Service
    image: Image
    layout: dagger.Directory
    root: dagger.Directory | None = None


async def lower_layers(
    subject: Subject, builder: dagger.Container
) -> Mapping[str, dagger.Directory]:
    """Pack what lies below the service's own files, all at once; only their own changes count."""
    packages = debian.unpacked(builder, subject.service.image.packages).directory("/root-fs")
    roots = {"packages": packages, **subject.toolchain.layers(subject.files, builder)}
    layers = {name: pack(builder, root) for name, root in roots.items()}
    async with anyio.create_task_group() as group:
        for layer in layers.values():
            group.start_soon(layer.sync)
    return layers


def pack(builder: dagger.Container, root: dagger.Directory, at: str = "") -> dagger.Directory:
    """Pack a tree into a layer."""
    packer = builder.with_mounted_directory("/root-fs", root)
    command = [*_PACK, "layer", "--root=/root-fs", "--out=/layer", f"--at={at}"]
    return packer.with_exec(bounded(command)).directory("/layer")


def own_files(subject: Subject, bundle: dagger.Directory | None = None) -> dagger.Directory:
    """Take what `image.files` names and `image.exclude` does not, and what was built for browsers."""
    image = subject.service.image
    chosen = subject.files.filter(include=list(image.files), exclude=list(image.exclude))
    return chosen if bundle is None else chosen.with_directory("public", bundle)


async def build_image(
    service: Service,
    own: dagger.Directory,
    lower: Mapping[str, dagger.Directory],
    commit: Commit,
    builder: dagger.Container,
) -> Built:
    """Build a service's image; its digest is a function of the files, the packages and the commit."""
    layers = {**lower, "service": pack(builder, own, HOME)}
    assembler = builder
    for name, layer in layers.items():
        assembler = assembler.with_mounted_directory(f"/layers/{name}", layer)
    paths = [f"/layers/{name}" for name in layers]
    command = [*_PACK, "image", *_TO_LAYOUT, *paths]
    return await _assembled(service, commit, assembler, command)


async def build_dockerfile(subject: Subject, commit: Commit, builder: dagger.Container) -> Built:
    """Build what a Dockerfile says, and pack it anew: no times in it, and our labels.

    Nothing bounds a single step of a Dockerfile, hence the whole is: raise StageFailure when it does not end.
    """
    from_file = subject.files.docker_build(platform=IMAGE_PLATFORM)
    packer = builder.with_mounted_file(
        "/image.tar",
        from_file.as_tarball(forced_compression=dagger.ImageLayerCompression.Uncompressed),
    )
    command = [*_NORMALIZE, "--archive=/image.tar", *_TO_LAYOUT]
    try:
        with anyio.fail_after(DOCKERFILE_SECONDS):
            built = await _assembled(subject.service, commit, packer, command)
    except TimeoutError:
        told = (
            f"{subject.service.path}/Dockerfile was not built within {DOCKERFILE_SECONDS} seconds"
        )
        raise StageFailure(TIMED_OUT, f"{told}; a step of it hangs, or does too much") from None
    return replace(built, root=from_file.rootfs())


async def _assembled(
    service: Service, commit: Commit, packer: dagger.Container, command: list[str]
) -> Built:
    described = json.dumps(image_config(service, commit), sort_keys=True)
    packed = packer.with_new_file("/config.json", described).with_exec(bounded(command))
    return Built(service, parse_image(service, await packed.stdout()), packed.directory("/layout"))


def parse_image(service: Service, told: str) -> Image:
    """Read what the packer wrote about an image."""
    values = json.loads(told)
    return Image(
        service=service.name,
        digest=values["digest"],
        unpacked=values["unpacked"],
        compressed=values["compressed"],
    )


def archive_of(built: Built, builder: dagger.Container) -> dagger.File:
    """Give a built image as one file, which an engine can import and run."""
    packed = builder.with_mounted_directory("/layout", built.layout)
    command = ["tar", "--create", "--file=/image.tar", "--directory=/layout", "."]
    return packed.with_exec(bounded(command)).file("/image.tar")
