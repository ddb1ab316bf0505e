"""What recipes are, and where they are cooked.

Called by images.py. A result is kept by the recipe's digest and made once, even if two processes
ask at the same time; a recipe may stand on another one, which is then cooked first.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from drydock.runtime.errors import ImageFault
from drydock.runtime.image import ImageConfig
from drydock.runtime.network import Network
from drydock.runtime.process import BindMount, Mount, ProcessSpec
from drydock.runtime.reference import Reference
from drydock.runtime.runner import Runner
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir

_RECIPES = "recipe"
_APT_SECONDS = 600.0
_TAIL = 4000


class Recipe(ABC):
    """One base image. `names` are repositories with their registry, `tags` a pattern.

    `version` counts changes of content.
    """

    name: str
    version: int
    title: str
    source: str
    names: tuple[str, ...]
    tags: str
    config: ImageConfig

    @property
    def digest(self) -> str:
        """A digest that stands for the content.

        Recipe, version, and whatever `ingredients` says.
        """
        text = f"drydock recipe {self.name} {self.version} {self.ingredients()}"
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def ingredients(self) -> str:
        """Return what else the content depends on (another recipe's digest, a tool's version)."""
        return ""

    def makes(self, name: Reference) -> bool:
        """Tell whether this recipe stands in for `name`; its digest is not looked at."""
        tag = name.tag or "latest"
        return name.name in self.names and re.fullmatch(self.tags, tag) is not None

    @abstractmethod
    async def cook(self, kitchen: Kitchen) -> Snapshot:
        """Make the root file system."""


class Kitchen:
    """The parts that recipes need, and the results so far."""

    def __init__(
        self,
        state: StateDir,
        snapshots: SnapshotStore,
        runner: Runner,
        network: Network | None,
    ) -> None:
        self.state = state
        self.snapshots = snapshots
        self._runner = runner
        self._network = network
        self._cooking: dict[str, asyncio.Lock] = {}
        self._apt = asyncio.Lock()

    async def cook(self, recipe: Recipe) -> Snapshot:
        """Return the result of a recipe, made now if it is not there yet."""
        digest = recipe.digest
        if (known := self._known(digest)) is not None:
            return known
        async with (
            self._cooking.setdefault(digest, asyncio.Lock()),
            self.state.exclusively(f"recipe-{recipe.name}"),
        ):
            if (known := self._known(digest)) is not None:
                return known
            snapshot = await recipe.cook(self)
            self.state.index.put(_RECIPES, digest, snapshot.id)
            return snapshot

    async def install(
        self, base: Snapshot, packages: tuple[str, ...], script: str = ""
    ) -> Snapshot:
        """Install Debian packages over `base` by its own apt, then run `script` by sh.

        Package lists go afterwards. Packages that were fetched before come from a cache volume.
        """
        steps = (
            "set -e",
            "export DEBIAN_FRONTEND=noninteractive",
            '[ -n "$(ls /var/lib/apt/lists/*_Packages* 2>/dev/null)" ] || apt-get -q update',
            f"apt-get -q install -y --no-install-recommends {' '.join(packages)}",
            script,
            "rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log",
        )
        archives = BindMount(self.state.volume("apt-archives"), "/var/cache/apt/archives")
        async with self._apt, self.state.exclusively("apt-archives"):
            return await self.run(base, "\n".join(steps), (archives,))

    async def run(self, base: Snapshot, script: str, mounts: tuple[Mount, ...] = ()) -> Snapshot:
        """Run a shell script over `base` with the network.

        ImageFault with its last lines if it fails.
        """
        lines: list[bytes] = []
        async with self.snapshots.edit(base) as edit, self._online() as network:
            endpoint = await network.attach()
            try:
                spec = ProcessSpec(
                    args=("/bin/sh", "-c", script),
                    env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                    mounts=mounts,
                    network=endpoint,
                )
                code = await self._runner.run(
                    edit.path,
                    spec,
                    stdout=lines.append,
                    stderr=lines.append,
                    timeout=_APT_SECONDS,
                )
            finally:
                await network.release(endpoint)
            if code != 0:
                tail = b"".join(lines).decode(errors="replace")[-_TAIL:]
                raise ImageFault(f"a base image could not be made (exit code {code}):\n{tail}")
            return await edit.commit()

    @asynccontextmanager
    async def _online(self) -> AsyncIterator[Network]:
        if self._network is not None:
            yield self._network
            return
        async with Network() as network:
            yield network

    def _known(self, digest: str) -> Snapshot | None:
        known = self.state.index.get(_RECIPES, digest)
        return None if known is None else self.snapshots.get(known)


def copy_program(source: Path, target: Path) -> None:
    """Copy a program into a tree, executable for all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file, target.open("wb") as copy:
        while piece := file.read(1 << 20):
            copy.write(piece)
    target.chmod(0o755)
