"""The engine of one process: the runtime's parts, the sessions, the ids, the results.

Made once by `__main__`; resolvers reach it as `call.runtime`. The costly parts of the runtime are made
when they are first used, so that an engine is ready to be queried at once.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drydock.runtime.state import StateDir

from .errors import EngineError
from .introspection import IntrospectionCache
from .node import Nodes
from .schema import load_schema
from .session import Client, Session
from .trace import current_span

if TYPE_CHECKING:
    from drydock.runtime.images import ImageStore
    from drydock.runtime.network import Network
    from drydock.runtime.runner import Runner
    from drydock.runtime.snapshot import SnapshotStore

    from .field import Call
    from .module.warm import WarmPython

log = logging.getLogger(__name__)
VERSION = "v0.21.11"
_FLUSH_SECONDS = 0.5
_RESULTS = "result"
_EXHAUSTED = {errno.ENOSPC, errno.EDQUOT}


class Results:
    """What finished work left, by key: JSON values in the state directory's index."""

    def __init__(self, state: StateDir) -> None:
        self._index = state.index

    def get(self, key: str) -> Any:
        """Return the value of a key, None if the work has to be done."""
        return self._index.get(_RESULTS, key)

    def put(self, key: str, value: Any) -> None:
        """Keep a value. Only successful work belongs here."""
        self._index.put(_RESULTS, key, value)

    def drop(self, key: str) -> None:
        """Forget a value, e.g. because its snapshot was pruned."""
        self._index.delete(_RESULTS, key)


class Engine:
    """One engine process."""

    def __init__(self, state: StateDir) -> None:
        self.state = state
        self.schema = load_schema(state.root / "schema")
        self.introspections = IntrospectionCache(state.root / "schema")
        self.nodes = Nodes(state.index)
        self.results = Results(state)
        # As many commands at once as there are cores, and two more that may wait for the network.
        self.exec_slots = asyncio.Semaphore((os.cpu_count() or 1) + 2)
        self.port = 0  # set by the server once it listens
        self.sessions: dict[str, Session] = {}
        self._clients: dict[str, Client] = {}
        self._network: Network | None = None
        self._network_lock = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None
        self._types: asyncio.Future[None] | None = None
        self._closed = False

    @cached_property
    def snapshots(self) -> SnapshotStore:
        """The snapshot store."""
        from drydock.runtime.snapshot import SnapshotStore

        return SnapshotStore(self.state)

    @cached_property
    def runner(self) -> Runner:
        """The container runner."""
        from drydock.runtime.runner import Runner

        return Runner(self.state)

    @cached_property
    def images(self) -> ImageStore:
        """The image store."""
        from drydock.runtime.images import ImageStore

        return ImageStore(
            self.state,
            self.snapshots,
            runner=self.runner,
            notice=lambda text: current_span().log(f"{text}\n"),
        )

    @cached_property
    def warm_python(self) -> WarmPython:
        """The Python that runs the functions of modules."""
        from .module.warm import WarmPython

        return WarmPython()

    async def network(self) -> Network:
        """Return the engine's bridge network, started on first use."""
        async with self._network_lock:
            if self._network is None:
                from drydock.runtime.network import Network

                network = Network()
                await network.start()
                self._network = network
        return self._network

    async def types_loaded(self) -> None:
        """Wait until every resolver is registered; the first caller starts that.

        It takes as long as the rest of the engine's start, and whoever connects introspects first.
        """
        if self._types is None:
            self._types = asyncio.ensure_future(asyncio.to_thread(_register_types))
        await asyncio.shield(self._types)

    def open_session(self, workdir: Path, environ: Mapping[str, str], version: str = "") -> Session:
        """Begin a session for a client process."""
        session = Session(self, workdir, environ, version)
        self.sessions[session.id] = session
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush_regularly())
        return session

    def client(self, token: str) -> Client | None:
        """Return who a token belongs to."""
        return self._clients.get(token)

    def admit(self, client: Client) -> None:
        """Accept a client's token."""
        self._clients[client.token] = client

    def dismiss(self, client: Client) -> None:
        """Accept a client's token no longer."""
        self._clients.pop(client.token, None)

    def forget(self, session: Session) -> None:
        """Drop a closed session."""
        self.sessions.pop(session.id, None)
        self.nodes.flush()

    def unexpected(self, error: Exception, call: Call) -> EngineError:
        """Return what the client is told about an exception that is no EngineError.

        The runtime's own faults are fit for people; anything else is a mistake of Drydock's, which
        goes to the log with its traceback.
        """
        from drydock.runtime.errors import RuntimeFault

        if isinstance(error, RuntimeFault):
            return EngineError(str(error))
        if isinstance(error, OSError) and error.errno in _EXHAUSTED:
            reason = (error.strerror or "").lower()
            return EngineError(
                f"{call.name}: {reason}: {error.filename or self.state.root}; make room below "
                f"{self.state.root}, or set DRYDOCK_STATE_DIR to a larger disk"
            )
        log.error("%s failed unexpectedly", call.name, exc_info=error)
        return EngineError(
            f"Drydock failed in {call.name}: {type(error).__name__}: {error} "
            "(a mistake of Drydock's; the engine's log has the details)"
        )

    async def close(self) -> None:
        """End all sessions and give the runtime's parts back. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await asyncio.gather(*(session.close() for session in list(self.sessions.values())))
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        if "warm_python" in self.__dict__:
            await self.warm_python.close()
        if self._network is not None:
            await self._network.close()
        self.nodes.flush()
        if "snapshots" in self.__dict__:
            self.snapshots.close()
        self.state.close()

    async def _flush_regularly(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            if unsaved := self.nodes.take_unsaved():
                await asyncio.shield(asyncio.to_thread(self.nodes.save, unsaved))


def _register_types() -> None:
    """Import the resolvers, which registers them."""
    import_module(f"{__package__}.types")
