"""Put the parts of a cluster together: controllers always, node, proxy and ingress when wanted.

Only `__main__` uses it. A part that ends with an error is logged and started again after a pause
that doubles up to half a minute: one broken controller must not take the API down.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine

from drydock.cluster.api import Api
from drydock.cluster.certificates import Authority
from drydock.cluster.controllers import Controllers

_log = logging.getLogger(__name__)
Part = Callable[[], Coroutine[object, object, None]]


@contextlib.asynccontextmanager
async def parts(
    api: Api, authority: Authority, given: argparse.Namespace, *, api_port: int
) -> AsyncIterator[None]:
    """Run everything beside the API for the time of the context."""
    manager = api.client("kube-controller-manager")
    async with contextlib.AsyncExitStack() as stack:
        running: list[tuple[str, Part]] = [
            ("controllers", Controllers(manager, root_ca=authority.root).run)
        ]
        if given.kubelet == "on":
            running += await stack.enter_async_context(_node(api, given, api_port))
        tasks = [asyncio.create_task(_kept(name, part), name=name) for name, part in running]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _node(
    api: Api, given: argparse.Namespace, api_port: int
) -> AsyncIterator[list[tuple[str, Part]]]:
    """Yield the parts that run pods; they need root and the packages of the runtime."""
    from drydock.cluster.node_parts import node_parts

    async with node_parts(api, given, api_port=api_port) as found:
        yield found


async def _kept(name: str, part: Part) -> None:
    pause = 0.5
    while True:
        try:
            await part()
        except Exception:  # noqa: BLE001 - one broken part must not take the others down
            _log.exception("%s ended; starting it again in %.1f s", name, pause)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, 30.0)
