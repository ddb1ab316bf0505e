"""What commands left behind, kept across sessions: the next equal command is answered from here.

Called by `execution` with the command's cache key. Only results that the caller's expectation accepted are stored, so a
failure always runs again. A result whose snapshots were pruned counts as absent.
"""

from __future__ import annotations

import asyncio
import base64
import zlib
from dataclasses import dataclass

from drydock.engine.process.journal import Journal
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir

_SPACE = "exec"
# Longer outputs get a file of their own beside the index.
_INLINE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Executed:
    """A command that has ended."""

    rootfs: Snapshot
    mounts: tuple[Snapshot | None, ...]  # by position in Container.mounts; None: nothing to keep
    exit_code: int
    journal: Journal


class ResultStore:
    """Results of commands by cache key."""

    def __init__(self, state: StateDir, snapshots: SnapshotStore) -> None:
        self._state = state
        self._snapshots = snapshots

    async def get(self, key: str) -> Executed | None:
        """Return the stored result, or None."""
        raw = self._state.index.get(_SPACE, key)
        if raw is None:
            return None
        rootfs = self._snapshots.get(raw["rootfs"])
        mounts = [name and self._snapshots.get(name) for name in raw["mounts"]]
        # None stands for a mount that keeps nothing; one that was kept and is gone ends it.
        if rootfs is None or [name is None for name in raw["mounts"]] != [
            m is None for m in mounts
        ]:
            return None
        packed = await asyncio.to_thread(self._read, key, raw["output"])
        if packed is None:
            return None
        return Executed(
            rootfs,
            tuple(mounts),
            raw["exit_code"],
            Journal.unpack(packed),
        )

    async def put(self, key: str, result: Executed) -> None:
        """Store a result; an older one of the same key is replaced."""
        output = await asyncio.to_thread(self._write, key, result.journal.pack())
        self._state.index.put(
            _SPACE,
            key,
            {
                "rootfs": result.rootfs.id,
                "mounts": [snapshot and snapshot.id for snapshot in result.mounts],
                "exit_code": result.exit_code,
                "output": output,
            },
        )

    def _write(self, key: str, packed: bytes) -> str | None:
        """Return the text for the index, or None after writing a file."""
        if len(packed) <= _INLINE_BYTES:
            return base64.b64encode(zlib.compress(packed, 1)).decode("ascii")
        folder = self._state.root / "outputs"
        folder.mkdir(mode=0o700, exist_ok=True)
        draft = folder / f"{key}.new"
        draft.write_bytes(zlib.compress(packed, 1))
        draft.replace(folder / key)
        return None

    def _read(self, key: str, inline: str | None) -> bytes | None:
        if inline is not None:
            return zlib.decompress(base64.b64decode(inline))
        try:
            return zlib.decompress((self._state.root / "outputs" / key).read_bytes())
        except FileNotFoundError:
            return None
