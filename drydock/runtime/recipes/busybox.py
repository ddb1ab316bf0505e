"""`busybox` and, standing in for it, `alpine`.

The static busybox of the host with a link for each of its tools. Alpine's package manager is not
there; a pipeline that calls `apk` needs a registry.
"""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from drydock.runtime.image import ImageConfig
from drydock.runtime.programs import require
from drydock.runtime.recipes.kitchen import Kitchen, Recipe, copy_program
from drydock.runtime.snapshot import Snapshot

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FOLDERS = [
    "bin",
    "dev",
    "etc",
    "home",
    "proc",
    "root",
    "sbin",
    "sys",
    "tmp",
    "usr/bin",
    "usr/sbin",
    "usr/local/bin",
    "var",
]
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"
_ALPINE_RELEASE = "3.20.2"


class _Busybox(Recipe):
    name = "busybox"
    version = 1
    title = "busybox:latest"
    source = "Debian's static busybox"
    names = ("docker.io/library/busybox",)
    tags = r".*"
    config = ImageConfig(env=(PATH,), cmd=("sh",))

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        async with kitchen.snapshots.edit(kitchen.snapshots.empty) as edit:
            await asyncio.to_thread(_fill, edit.path)
            return await edit.commit()


class _Alpine(Recipe):
    name = "alpine"
    version = 1
    title = "alpine:3.20 (without apk)"
    source = "Debian's static busybox"
    names = ("docker.io/library/alpine",)
    tags = r"3(\.\d+){0,2}|latest"
    config = ImageConfig(env=(PATH,), cmd=("/bin/sh",), workdir="/")

    def ingredients(self) -> str:
        return BUSYBOX.digest

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        base = await kitchen.cook(BUSYBOX)
        async with kitchen.snapshots.edit(base) as edit:
            etc = edit.path / "etc"
            (etc / "alpine-release").write_text(f"{_ALPINE_RELEASE}\n")
            (etc / "os-release").write_text(
                f'NAME="Alpine Linux"\nID=alpine\nVERSION_ID={_ALPINE_RELEASE}\n'
                'PRETTY_NAME="Alpine Linux v3.20"\n'
            )
            return await edit.commit()


def _fill(root: Path) -> None:
    busybox = require("busybox")
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "root").chmod(0o700)
    copy_program(Path(busybox), root / "bin/busybox")
    listed = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True)
    for tool in listed.stdout.split():
        if tool != "busybox":
            (root / "bin" / tool).symlink_to("/bin/busybox")
    printenv = root / "bin/printenv"
    if not printenv.is_symlink():
        printenv.write_text('#!/bin/sh\nexec env "$@"\n')
        printenv.chmod(0o755)
    (root / "etc/passwd").write_text(_USERS)
    (root / "etc/group").write_text(_GROUPS)


BUSYBOX = _Busybox()
ALPINE = _Alpine()
