"""The Service `kubernetes` in `default`: where pods find the API.

Invariant: it exists, under the first address of the Service range, and is made again when somebody
deletes it. The proxy knows where the API listens; no endpoints are written.
"""

from __future__ import annotations

from typing import ClassVar

from drydock.cluster.client import ApiError
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.meta import Key

KEY: Key = ("default", "kubernetes")
ADDRESS = "10.96.0.1"
PORT = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}


class ApiServiceController(Controller):
    """Keeps the API's own Service."""

    name: ClassVar[str] = "kubernetes-service"
    kind: ClassVar[str] = "v1/Service"
    workers: ClassVar[int] = 1

    async def run(self) -> None:
        """Make the Service, then watch over it."""
        self.queue.add(KEY)
        await super().run()

    async def sync(self, key: Key) -> None:
        """Create the Service when it is absent."""
        if key != KEY or self.primary.get(key) is not None:
            return
        labels = {"component": "apiserver", "provider": "kubernetes"}
        meta = {"name": key[1], "namespace": key[0], "labels": labels}
        spec = {"clusterIP": ADDRESS, "ports": [PORT], "type": "ClusterIP"}
        try:
            await self.create(
                {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
            )
        except ApiError as error:
            if error.code != 409:
                raise
