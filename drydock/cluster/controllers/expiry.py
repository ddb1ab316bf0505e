"""Events go an hour after they were last written, as a real API server has it.

`Controllers` runs it beside the control loops. Invariant: however long a cluster lives, it holds the
events of its last hour and no others.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.meta import created, key_of, moment_of, now, uid_of
from drydock.cluster.errors import Obj

log = logging.getLogger(__name__)

LIFETIME_SECONDS = 3600.0
PERIOD_SECONDS = 60.0


class EventExpiry:
    """Deletes old events."""

    name = "event-expiry"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self) -> None:
        """Look for old events once a minute until cancelled."""
        while True:
            try:
                await self.sweep(now())
            except ApiError as error:
                log.warning("old events stay for now: %s", error)
            await asyncio.sleep(PERIOD_SECONDS)

    async def sweep(self, at: datetime) -> None:
        """Delete every event that was last written more than an hour before `at`."""
        events, _ = await self._client.list("v1/Event")
        for event in events:
            if (at - last_written(event)).total_seconds() <= LIFETIME_SECONDS:
                continue
            namespace, name = key_of(event)
            try:
                await self._client.delete("v1/Event", namespace, name, uid=uid_of(event))
            except ApiError as error:
                if error.code not in (404, 409):
                    raise


def last_written(event: Obj) -> datetime:
    """Return the last moment that an event tells of."""
    series = event.get("series") or {}
    told = (event.get("lastTimestamp"), event.get("eventTime"), series.get("lastObservedTime"))
    return max([created(event), *(moment_of(text) for text in told if text)])
