"""StateDir (being filled)."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Index:
    """JSON values by (space, key) in one sqlite file; safe for several processes at once."""

    def get(self, space: str, key: str) -> Any:
        raise NotImplementedError

    def put(self, space: str, key: str, value: Any) -> None:
        raise NotImplementedError

    def delete(self, space: str, key: str) -> None:
        raise NotImplementedError

    def items(self, space: str) -> list[tuple[str, Any]]:
        raise NotImplementedError


class StateDir:
    """Paths of one state directory."""

    def __init__(self, root: Path) -> None:
        raise NotImplementedError

    @classmethod
    def default(cls) -> StateDir:
        raise NotImplementedError

    root: Path
    snapshots: Path
    blobs: Path  # blobs/sha256
    volumes: Path  # cache volumes
    tmp: Path
    run: Path
    scratch: Path  # this process's own folder under run/, swept when the process is gone
    index: Index

    def close(self) -> None:
        raise NotImplementedError
