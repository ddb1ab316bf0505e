"""Probes: is the container started, alive, ready.

One `Prober` follows one run of one container. Invariant: liveness and readiness wait for the
startup probe; a container without a probe of a kind passes it as soon as it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.action import ActionError, Target, perform

Told = Callable[[str], Awaitable[None]]


class Watched(Protocol):
    """What a prober tells the container's keeper."""

    def is_started(self) -> None:
        """Hear that the startup probe has passed (or that there is none)."""
        ...

    def is_ready(self, *, ready: bool) -> None:
        """Hear the readiness."""
        ...

    async def is_unhealthy(self, kind: str, text: str) -> None:
        """Hear of one failed probe (`Startup`, `Liveness`, `Readiness`)."""
        ...

    async def is_dead(self, kind: str, probe: Obj) -> None:
        """Hear that startup or liveness failed for good: the container has to be killed."""
        ...


class Prober:
    """Runs the probes of one container from its start to its end."""

    def __init__(self, container: Obj, target: Target, watched: Watched) -> None:
        self._container = container
        self._target = target
        self._watched = watched

    async def run(self) -> None:
        """Probe until cancelled."""
        startup = self._container.get("startupProbe")
        if startup and not await self._until_started(startup):
            return
        self._watched.is_started()
        readiness = self._container.get("readinessProbe")
        liveness = self._container.get("livenessProbe")
        if not readiness:
            self._watched.is_ready(ready=True)
        async with asyncio.TaskGroup() as group:
            if readiness:
                group.create_task(self._readiness(readiness), name="readiness probe")
            if liveness:
                group.create_task(self._liveness(liveness), name="liveness probe")

    async def _until_started(self, probe: Obj) -> bool:
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        failures = 0
        while True:
            if await self._try("Startup", probe):
                return True
            failures += 1
            if failures >= probe.get("failureThreshold", 3):
                await self._watched.is_dead("startup", probe)
                return False
            await asyncio.sleep(_period(probe))

    async def _readiness(self, probe: Obj) -> None:
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        successes = failures = 0
        while True:
            if await self._try("Readiness", probe):
                successes, failures = successes + 1, 0
                if successes >= probe.get("successThreshold", 1):
                    self._watched.is_ready(ready=True)
            else:
                successes, failures = 0, failures + 1
                if failures >= probe.get("failureThreshold", 3):
                    self._watched.is_ready(ready=False)
            await asyncio.sleep(_period(probe))

    async def _liveness(self, probe: Obj) -> None:
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        failures = 0
        while True:
            failures = 0 if await self._try("Liveness", probe) else failures + 1
            if failures >= probe.get("failureThreshold", 3):
                await self._watched.is_dead("liveness", probe)
                return
            await asyncio.sleep(_period(probe))

    async def _try(self, kind: str, probe: Obj) -> bool:
        try:
            await perform(probe, self._target, timeout=float(probe.get("timeoutSeconds", 1)))
        except ActionError as error:
            await self._watched.is_unhealthy(kind, str(error))
            return False
        return True


def _period(probe: Obj) -> float:
    return float(probe.get("periodSeconds", 10))
