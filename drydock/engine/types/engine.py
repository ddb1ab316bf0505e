"""`Engine`: this engine and what it keeps on disk."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from typing import ClassVar

from drydock.engine.field import Call, field
from drydock.engine.tree import in_thread

_MAX_USED = 0.75  # of the file system, like a real engine's default policy
_RESERVED = 0.1
_MIN_FREE = 0.2


@dataclass(frozen=True)
class EngineInfo:
    """The engine."""

    graphql_type: ClassVar[str] = "Engine"


@dataclass(frozen=True)
class EngineCache:
    """What it keeps."""

    graphql_type: ClassVar[str] = "EngineCache"


@field("Query.engine", quiet=True)
def engine(_: object, __: Call) -> EngineInfo:
    """Return the engine."""
    return EngineInfo()


@field("Engine.name")
def name(_: EngineInfo, __: Call) -> str:
    """Return the machine's name."""
    return platform.node() or "drydock"


@field("Engine.clients")
def clients(_: EngineInfo, call: Call) -> list[str]:
    """Return the sessions that are open."""
    return sorted(call.runtime.sessions)


@field("Engine.localCache", quiet=True)
def local_cache(_: EngineInfo, __: Call) -> EngineCache:
    """Return what it keeps."""
    return EngineCache()


async def _total(call: Call) -> int:
    usage = await in_thread(shutil.disk_usage, os.fspath(call.runtime.state.root))
    return usage.total


@field("EngineCache.maxUsedSpace")
async def max_used_space(_: EngineCache, call: Call) -> int:
    """Return the bytes it may keep."""
    return int(await _total(call) * _MAX_USED)


@field("EngineCache.targetSpace")
async def target_space(_: EngineCache, call: Call) -> int:
    """Return the bytes that pruning aims at."""
    return int(await _total(call) * _MAX_USED)


@field("EngineCache.reservedSpace")
async def reserved_space(_: EngineCache, call: Call) -> int:
    """Return the bytes it may always keep."""
    return int(await _total(call) * _RESERVED)


@field("EngineCache.minFreeSpace")
async def min_free_space(_: EngineCache, call: Call) -> int:
    """Return the bytes that have to stay free."""
    return int(await _total(call) * _MIN_FREE)


@dataclass(frozen=True)
class Cloud:
    """Dagger's hosted service, which Drydock never talks to."""

    graphql_type: ClassVar[str] = "Cloud"


@field("Query.cloud", quiet=True)
def cloud(_: object, __: Call) -> Cloud:
    """Return it."""
    return Cloud()


@field("Cloud.traceURL")
def trace_url(_: Cloud, __: Call) -> str:
    """Return where a trace could be seen."""
    return "https://dagger.cloud/traces/setup"
