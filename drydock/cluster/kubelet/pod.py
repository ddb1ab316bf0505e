"""One pod on the node: its network, its volumes, its containers in order, its end.

The kubelet makes one for every pod that is bound to the node and runs it as a task. Invariant: when
`run` has ended, the pod has no process, no address and no files left, and if its deletion was asked
for, the API knows that it is gone.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.meta import is_deleting, key_of, moment_of, now, stamp, uid_of
from drydock.cluster.controllers.pods import has_ended
from drydock.cluster.controllers.record import Recorder
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.container import Container
from drydock.cluster.kubelet.logs import ContainerLogs
from drydock.cluster.kubelet.pulling import Puller
from drydock.cluster.kubelet.room import DEFAULT_GRACE, NodeRuntime, Room
from drydock.cluster.kubelet.source import ConfigSource
from drydock.cluster.kubelet.status import PodState, is_sidecar, status_of
from drydock.cluster.kubelet.volumes import MountError, Volumes
from drydock.runtime.errors import RuntimeFault
from drydock.runtime.network import Endpoint, Network

log = logging.getLogger(__name__)

MOUNT_RETRY = 2.0
REFRESH_SECONDS = 60.0
REPORT_RETRY = 1.0

Admit = Callable[[Obj, str], Awaitable[None]]
"""Returns when the network is ready for a pod at an address."""


async def at_once(_pod: Obj, _address: str) -> None:
    """Admit every pod: on a network without policies."""


@dataclass(frozen=True)
class NodeParts:
    """What all pods of a node share."""

    client: Client
    runtime: NodeRuntime
    network: Network
    puller: Puller
    source: ConfigSource
    recorder: Recorder
    host: str
    nameserver: str
    services: Callable[[Obj], Mapping[str, str]]
    starts: asyncio.Semaphore
    admit: Admit = at_once


class Pod:
    """Runs one pod."""

    def __init__(self, obj: Obj, parts: NodeParts) -> None:
        self.obj = obj
        self.containers: dict[str, Container] = {}
        self._parts = parts
        self._folder = parts.runtime.state.scratch / "pods" / uid_of(obj)
        self._started_at = (obj.get("status") or {}).get("startTime") or stamp()
        self._endpoint: Endpoint | None = None
        self._volumes: Volumes | None = None
        self._changed = asyncio.Event()
        self._going = asyncio.Event()
        self._removed = False
        self._silent = False
        self._failure: tuple[str, str] | None = None
        self._sidecars: list[asyncio.Task[None]] = []
        self._guests: dict[str, asyncio.Task[None]] = {}
        self._room: Room | None = None

    def update(self, obj: Obj) -> None:
        """Take the pod's newest state from the API; its deletion ends the pod."""
        self.obj = obj
        if is_deleting(obj):
            self._going.set()
        self._receive_guests()
        self._changed.set()

    def remove(self) -> None:
        """End a pod that the API has forgotten."""
        self._removed = True
        self._going.set()

    def abandon(self) -> None:
        """Say nothing more about the pod: the node goes, and its next life takes the pod up again."""
        self._silent = True

    async def run(self) -> None:
        """Run the pod to its end and clean up after it."""
        reporter = asyncio.create_task(self._report(), name=f"status of {key_of(self.obj)[1]}")
        try:
            if not has_ended(self.obj):
                await self._live()
            self._changed.set()
            await self._going.wait()
        finally:
            reporter.cancel()
            await asyncio.gather(reporter, return_exceptions=True)
            await asyncio.shield(self._clean_up())
        await self._finish()

    async def _live(self) -> None:
        work = asyncio.create_task(self._work(), name=f"containers of {key_of(self.obj)[1]}")
        going = asyncio.create_task(self._going.wait())
        deadline = asyncio.create_task(self._deadline())
        try:
            await asyncio.wait({work, going, deadline}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await self._stop_all(work)
            await work
        finally:
            for task in (work, going, deadline):
                task.cancel()
            await asyncio.gather(work, going, deadline, return_exceptions=True)
            await self._leave_network()

    async def _work(self) -> None:
        room = await self._prepare()
        if room is None:
            return
        refresh = asyncio.create_task(self._refresh(room))
        self._room = room
        self._receive_guests()
        try:
            if await self._initialize(room):
                names = [spec["name"] for spec in self.obj["spec"]["containers"]]
                async with asyncio.TaskGroup() as group:
                    for name in names:
                        group.create_task(self.containers[name].run(), name=name)
        finally:
            refresh.cancel()
            for task in self._sidecars:
                if not task.done() and not self._going.is_set():
                    await self._stop_sidecars()
                    break
            self._room = None
            for guest in self._guests:
                await self.containers[guest].stop(0)
            others = [*self._sidecars, *self._guests.values()]
            for task in others:
                task.cancel()
            await asyncio.gather(refresh, *others, return_exceptions=True)

    async def _prepare(self) -> Room | None:
        """Provide network and volumes; None when the pod's end came first."""
        parts = self._parts
        self._folder.mkdir(parents=True, exist_ok=True)
        endpoint = await parts.network.attach()
        self._endpoint = endpoint
        await parts.admit(self.obj, endpoint.address)
        volumes = Volumes(
            self.obj,
            self._folder / "volumes",
            parts.source,
            {"podIP": endpoint.address, "hostIP": parts.host},
        )
        self._volumes = volumes
        room = Room(
            pod=lambda: self.obj,
            runtime=parts.runtime,
            network=parts.network,
            endpoint=endpoint,
            volumes=volumes,
            source=parts.source,
            puller=parts.puller,
            recorder=parts.recorder,
            folder=self._folder,
            host=parts.host,
            nameserver=parts.nameserver,
            services=lambda: parts.services(self.obj),
            starts=parts.starts,
            changed=self._changed.set,
        )
        self._make_containers(room)
        self._changed.set()
        while not self._going.is_set():
            try:
                await volumes.prepare()
            except MountError as error:
                await parts.recorder.warning(self.obj, "FailedMount", str(error))
                await self._pause(MOUNT_RETRY)
            else:
                return room
        return None

    def _make_containers(self, room: Room) -> None:
        held = self.obj.get("status") or {}
        known = {
            one["name"]: one
            for field in ("containerStatuses", "initContainerStatuses")
            for one in held.get(field) or []
        }
        spec = self.obj["spec"]
        for group, init in ((spec.get("initContainers") or [], True), (spec["containers"], False)):
            for one in group:
                logs = ContainerLogs(self._folder / "logs" / one["name"])
                container = Container(one, room, logs, init=init)
                if not init and not spec.get("initContainers"):
                    container.status.state = {"waiting": {"reason": "ContainerCreating"}}
                if one["name"] in known:
                    container.begin_again(known[one["name"]])
                self.containers[one["name"]] = container

    def _receive_guests(self) -> None:
        """Start the ephemeral containers that came since (`kubectl debug`)."""
        room = self._room
        if room is None or self._going.is_set():
            return
        for spec in self.obj["spec"].get("ephemeralContainers") or []:
            name = spec["name"]
            if name not in self.containers:
                logs = ContainerLogs(self._folder / "logs" / name)
                made = Container(spec, room, logs, init=False, guest=True)
                made.status.state = {"waiting": {"reason": "ContainerCreating"}}
                self.containers[name] = made
                self._guests[name] = asyncio.create_task(made.run(), name=name)

    async def _initialize(self, room: Room) -> bool:
        """Run the init containers one after the other; False when one failed for good."""
        for spec in room.pod()["spec"].get("initContainers") or []:
            container = self.containers[spec["name"]]
            if is_sidecar(spec):
                self._sidecars.append(asyncio.create_task(container.run(), name=spec["name"]))
                await container.settled.wait()
                continue
            await container.run()
            if container.status.exit_code != 0:
                return False
        return not self._going.is_set()

    async def _stop_all(self, work: asyncio.Task[None]) -> None:
        """Stop the main containers together, then the sidecars, within the pod's grace."""
        grace = self._grace()
        main = [
            self.containers[c["name"]] for c in self.obj["spec"]["containers"] if self.containers
        ]
        others = [c for c in self.containers.values() if c not in main]
        plain = [c for c in others if not is_sidecar(c.spec)]
        await asyncio.gather(*(one.stop(grace) for one in [*main, *plain]))
        await self._stop_sidecars()
        if not self.containers:
            work.cancel()
        await asyncio.wait({work})
        if work.cancelled():
            return

    async def _stop_sidecars(self) -> None:
        sidecars = [one for one in self.containers.values() if is_sidecar(one.spec)]
        for one in reversed(sidecars):
            await one.stop(self._grace())

    def _grace(self) -> float:
        """Return the seconds that are left for an orderly end."""
        meta = self.obj["metadata"]
        if self._removed:
            return 0.0
        plain = self.obj["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)
        return float(meta.get("deletionGracePeriodSeconds", plain))

    async def _deadline(self) -> None:
        limit = self.obj["spec"].get("activeDeadlineSeconds")
        if limit is None:
            await asyncio.Event().wait()
            return
        passed = (now() - moment_of(self._started_at)).total_seconds()
        await asyncio.sleep(max(0.0, limit - passed))
        self._failure = (
            "DeadlineExceeded",
            "Pod was active on the node longer than the specified deadline",
        )

    async def _refresh(self, room: Room) -> None:
        """Bring changed ConfigMaps and Secrets into the volumes, as a kubelet does each minute."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await room.volumes.refresh()
            except MountError as error:
                log.debug("volumes of %s stay as they are: %s", key_of(self.obj), error)

    async def _report(self) -> None:
        """Send the status whenever it differs from the one sent last."""
        sent: Obj | None = None
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._silent or not self.containers:
                continue
            status = status_of(self.obj, self._state())
            if status == sent:
                continue
            try:
                await self._send(status)
                sent = status
            except ApiError as error:
                if error.code == 404:
                    return
                log.warning("status of %s: %s", key_of(self.obj), error)
                await asyncio.sleep(REPORT_RETRY)
                self._changed.set()

    def _state(self) -> PodState:
        specs = self.obj["spec"]
        names = {spec["name"] for spec in specs["containers"]}
        return PodState(
            init=[
                c.status
                for name, c in self.containers.items()
                if name not in names and name not in self._guests
            ],
            guests=[self.containers[name].status for name in self._guests],
            main=[c.status for name, c in self.containers.items() if name in names],
            address=self._endpoint.address if self._endpoint else self._last_address(),
            host=self._parts.host,
            started_at=self._started_at,
            going=self._going.is_set(),
            failure=self._failure,
        )

    def _last_address(self) -> str:
        return str((self.obj.get("status") or {}).get("podIP") or "")

    async def _send(self, status: Obj) -> None:
        namespace, name = key_of(self.obj)
        change = {"metadata": {"uid": uid_of(self.obj)}, "status": status}
        written = await self._parts.client.patch(
            "v1/Pod", namespace, name, change, subresource="status"
        )
        self.obj = {**self.obj, "status": written["status"]}

    async def _leave_network(self) -> None:
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            await asyncio.shield(self._parts.network.release(endpoint))
        self._changed.set()

    async def _clean_up(self) -> None:
        await self._leave_network()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _finish(self) -> None:
        """Report the last state and let the API forget the pod."""
        if self._removed:
            return
        namespace, name = key_of(self.obj)
        try:
            if self.containers and not has_ended(self.obj):
                await self._send(status_of(self.obj, self._state()))
            await self._parts.client.delete(
                "v1/Pod", namespace, name, grace_seconds=0, uid=uid_of(self.obj)
            )
        except (ApiError, RuntimeFault) as error:
            if not isinstance(error, ApiError) or error.code not in (404, 409):
                log.warning("end of pod %s/%s: %s", namespace, name, error)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._going.wait()
        except TimeoutError:
            return
