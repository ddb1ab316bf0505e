"""`debian:bookworm-slim`, by mmdebstrap from Debian's archive.

mmdebstrap uses its own default archive, so no host is named here. Documentation and translations
are left out, as in the official slim image. The package lists stay in an inner snapshot that other
recipes install from; the image has none.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from drydock.runtime.errors import ImageFault
from drydock.runtime.image import ImageConfig
from drydock.runtime.machine_env import PROXY_VARIABLES
from drydock.runtime.programs import require
from drydock.runtime.recipes.kitchen import Kitchen, Recipe
from drydock.runtime.snapshot import Snapshot
from drydock.runtime.state import remove_tree

SUITE = "bookworm"
_TAIL = 4000
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/linda/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
)
_KEPT = "/usr/share/doc/*/copyright"


class _Installer(Recipe):
    """Debian with package lists and certificates: what other recipes install packages over."""

    name = "debian-installer"
    version = 1
    title = ""
    source = "Debian packages"
    names = ()
    tags = ""
    config = ImageConfig()

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        async with kitchen.snapshots.edit(kitchen.snapshots.empty) as edit:
            scratch = kitchen.state.fresh("debian")
            try:
                await _bootstrap(edit.path, scratch)
            finally:
                remove_tree(scratch)
            await asyncio.to_thread(_finish, edit.path)
            return await edit.commit()


class _Debian(Recipe):
    name = "debian"
    version = 1
    title = "debian:bookworm-slim"
    source = "Debian packages"
    names = ("docker.io/library/debian",)
    tags = r"(bookworm|12)(\.\d+)?(-slim)?|stable-slim|latest"
    config = ImageConfig(
        env=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",), cmd=("bash",)
    )

    def ingredients(self) -> str:
        return INSTALLER.digest

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        base = await kitchen.cook(INSTALLER)
        async with kitchen.snapshots.edit(base) as edit:
            lists = edit.path / "var/lib/apt/lists"
            await asyncio.to_thread(shutil.rmtree, lists)
            lists.mkdir()
            return await edit.commit()


async def _bootstrap(target: Path, scratch: Path) -> None:
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    process = await asyncio.create_subprocess_exec(
        require("unshare"),
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
        "--propagation=slave",
        "--",
        require("mmdebstrap"),
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        "--skip=cleanup/apt/lists,check/empty",
        "--include=ca-certificates",
        '--aptopt=Apt::Install-Recommends "false"',
        "--dpkgopt=force-unsafe-io",
        *excluded,
        f"--dpkgopt=path-include={_KEPT}",
        SUITE,
        str(target),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(scratch),
    )
    try:
        output, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        tail = output.decode(errors="replace")[-_TAIL:]
        raise ImageFault(f"debian:bookworm-slim could not be made by mmdebstrap:\n{tail}")


def _environment(scratch: Path) -> dict[str, str]:
    """Return what mmdebstrap needs of the environment; the packages' scripts see it too."""
    passed = {name for each in PROXY_VARIABLES for name in (each, each.lower())}
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", *passed}}
    return {**kept, "TMPDIR": str(scratch), "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "0"}


def _finish(root: Path) -> None:
    """Take out what the making left: logs, caches, and who the host is."""
    for name in ("etc/hostname", "etc/resolv.conf"):
        (root / name).unlink(missing_ok=True)
    for folder in ("var/log", "var/cache/debconf"):
        for path in (root / folder).rglob("*"):
            if path.is_file() and (folder == "var/log" or path.name.endswith("-old")):
                path.unlink()
    (root / "etc/machine-id").write_bytes(b"")


INSTALLER = _Installer()
DEBIAN = _Debian()
