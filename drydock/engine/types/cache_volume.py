"""`CacheVolume`: a directory that outlives commands, named by a key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from drydock.engine.field import Call, field
from drydock.engine.lazy import digest_of
from drydock.engine.process.volumes import SHARED, VolumeUse
from drydock.engine.tree import in_thread
from drydock.engine.tree.copy import copy_entries
from drydock.engine.tree.owner import numeric_owner
from drydock.engine.tree.walk import walk
from drydock.engine.types.directory import Directory

if TYPE_CHECKING:
    from drydock.engine.session import Session


@dataclass(frozen=True)
class CacheVolume:
    """A cache volume; `source` and `owner` count only when it is made."""

    graphql_type: ClassVar[str] = "CacheVolume"
    key: str
    sharing: str = SHARED
    owner: str = ""
    source: Directory | None = None

    @property
    def id(self) -> str:
        """The name of its folder: equal keys are one volume, for all sessions on this state directory."""
        return digest_of("volume", self.key)[:32]

    def use(self, session: Session, sharing: str, owner: tuple[int, int] | None) -> VolumeUse:
        """Return how one command uses it; what the mount says goes before what the volume says."""
        source = self.source

        async def fill(folder: Path) -> None:
            if source is not None:
                async with source.mounted(session.engine) as place:
                    await in_thread(lambda: copy_entries(walk(place), folder))

        if owner is None and self.owner:
            owner = numeric_owner(self.owner)
        return VolumeUse(self.id, self.sharing if sharing == SHARED else sharing, fill, owner)


@field("Query.cacheVolume", quiet=True)
async def cache_volume(
    _: object, __: Call, *, key: str, source: Directory | None, sharing: str, owner: str
) -> CacheVolume:
    """Name a cache volume."""
    return CacheVolume(key, sharing, owner, source)
