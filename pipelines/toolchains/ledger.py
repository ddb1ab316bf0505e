"""The ledger: what stages found out in earlier runs, kept by the engine in a cache volume.

An engine answers a command from its cache when nothing it reads has changed, but does not say so
beforehand. The ledger can: its keys are made of the same inputs. It only informs; no result is taken from it.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import dagger
from dagger import CacheSharingMode, dag

from pipelines.programs import program
from pipelines.toolchains import python
from pipelines.toolchains.run import nonce

_FILE = "/ledger/stages.jsonl"
_BOUNDED = ["timeout", "30"]
_COPY = "/tmp/stages.jsonl"  # noqa: S108 - of a container
_PROGRAM = "/programs/ledger.py"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a stage said: the key of its inputs, its status, how long it took, when (ISO 8601, UTC)."""

    key: str
    status: str
    seconds: float
    time: str


async def recall() -> dict[str, Entry]:
    """Give what is known, by key."""
    # By way of a file: what a command writes to its standard output is shown to people.
    command = [*_BOUNDED, "python3", _PROGRAM, "copy", _FILE, _COPY]
    told = await _ledger().with_exec(command).file(_COPY).contents()
    entries = (read_entry(line) for line in told.splitlines())
    return {entry.key: entry for entry in entries if entry is not None}


def read_entry(line: str) -> Entry | None:
    """Read one line; None when another version of the pipelines wrote it in another form."""
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None


async def remember(entries: Iterable[Entry]) -> None:
    """Keep entries; the newest of a key counts."""
    lines = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
    await _ledger().with_exec([*_BOUNDED, "python3", _PROGRAM, "add", _FILE], stdin=lines).sync()


def _ledger() -> dagger.Container:
    return (
        python.base()
        .with_new_file(_PROGRAM, program("ledger.py"))
        .with_mounted_cache(
            "/ledger", dag.cache_volume("shipyard-ledger"), sharing=CacheSharingMode.LOCKED
        )
        .with_env_variable("SHIPYARD_RUN", nonce())
    )
