"""The node's agent: runs the pods that are bound to it, and answers for them.

Made by `drydock.cluster.__main__`; the API calls it through the `Node` face. Invariant: there is one
task per pod uid, from the binding to the last trace, and a pod that an earlier life of the node left
behind counts as not ready until its containers run again.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Mapping

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, condition_of, is_deleting, key_of, stamp, uid_of
from drydock.cluster.controllers.pods import has_ended
from drydock.cluster.controllers.record import Recorder
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.container import Container
from drydock.cluster.kubelet.environment import service_variables
from drydock.cluster.kubelet.pod import Admit, NodeParts, Pod, at_once
from drydock.cluster.kubelet.pulling import Puller
from drydock.cluster.kubelet.registration import Registration
from drydock.cluster.kubelet.room import NodeRuntime
from drydock.cluster.kubelet.source import ConfigSource
from drydock.cluster.kubelet.terminal import Session
from drydock.cluster.node import LogOptions, NodeError
from drydock.runtime.network import Network

log = logging.getLogger(__name__)

NODE = "drydock"
STARTS_AT_ONCE = 8
BROKEN_RETRY = 5.0


class Kubelet:
    """Implements `drydock.cluster.node.Node` for the one node of the cluster."""

    def __init__(
        self,
        client: Client,
        runtime: NodeRuntime,
        network: Network,
        *,
        name: str = NODE,
        admit: Admit = at_once,
    ) -> None:
        self._client = client
        self._name = name
        self._cache = Cache(client)
        self._registration = Registration(client, name, network.gateway)
        self._network = network
        self._parts = NodeParts(
            client=client,
            runtime=runtime,
            network=network,
            puller=Puller(client, runtime.images),
            source=ConfigSource(client),
            recorder=Recorder(client, "kubelet", host=name),
            host=network.gateway,
            nameserver=network.gateway,
            services=self._service_variables,
            starts=asyncio.Semaphore(STARTS_AT_ONCE),
            admit=admit,
        )
        self._pods: dict[str, Pod] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._names: dict[tuple[str, str], Pod] = {}

    async def run(self) -> None:
        """Register the node and run its pods until cancelled; then end them all."""
        pods = self._cache["v1/Pod"]
        services = self._cache["v1/Service"]
        try:
            await self._registration.beat()
            await self._cache.start([pods.kind, services.kind])
            await self._forget_readiness(pods.items())
            pods.on_change(self._pod_changed)
            await self._registration.run()
        finally:
            await self._cache.close()
            for pod in self._pods.values():
                pod.abandon()
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # The Node face.

    async def logs(
        self, namespace: str, pod: str, container: str, options: LogOptions
    ) -> AsyncIterator[bytes]:
        """Yield lines of a container's log."""
        found = self._container(namespace, pod, container)
        held = found.logs.previous if options.previous else found.logs.current
        if held is None:
            uid = uid_of(self._names[namespace, pod].obj)
            if options.previous:
                raise NodeError(
                    f'previous terminated container "{container}" in pod "{pod}" not found'
                )
            waiting = found.status.state.get("waiting") or {}
            reason = waiting.get("reason", "ContainerCreating")
            text = f'container "{container}" in pod "{pod}" is waiting to start: {reason}'
            log.debug("no log of %s yet (%s)", container, uid)
            raise NodeError(text)
        async for line in held.read(options):
            yield line

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: list[str],
        *,
        stdin: AsyncIterator[bytes] | None,
        stdout: Callable[[bytes], None],
        stderr: Callable[[bytes], None],
        tty: bool,
    ) -> int:
        """Run a command in a running container; return its exit code."""
        found = self._container(namespace, pod, container)
        if found.running is None:
            raise NodeError(f'container not found ("{container}")', status=404)
        session = Session(found.running, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)
        return await session.run(tuple(command))

    async def attach(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        stdin: AsyncIterator[bytes] | None,
        stdout: Callable[[bytes], None],
        stderr: Callable[[bytes], None],
    ) -> None:
        """Follow a container's output from now on, and type into it."""
        found = self._container(namespace, pod, container)
        said, console = found.logs.current, found.console
        if said is None or console is None:
            raise NodeError(f"container {container} not found in pod {pod}_{namespace}", status=404)
        # Whoever started an interactive container (`kubectl run -i`) wants what it said before, too.
        end = said.listen(
            lambda stream, piece: (stderr if stream == "stderr" else stdout)(piece),
            from_start=bool(found.spec.get("stdin")),
        )
        typing = asyncio.create_task(console.type(stdin)) if stdin is not None else None
        try:
            await said.ended.wait()
        finally:
            end()
            if typing is not None:
                typing.cancel()
                await asyncio.gather(typing, return_exceptions=True)

    async def port_forward(
        self, namespace: str, pod: str, port: int
    ) -> tuple[StreamReader, StreamWriter]:
        """Connect to a port of the pod."""
        found = self._names.get((namespace, pod))
        address = ((found.obj.get("status") or {}).get("podIP") or "") if found else ""
        if not address:
            raise NodeError(f"pod {pod}_{namespace} is not running", status=404)
        return await self._network.open_connection(address, port)

    # Pods.

    def _container(self, namespace: str, pod: str, container: str) -> Container:
        found = self._names.get((namespace, pod))
        if found is None:
            raise NodeError(f'pods "{pod}" not found', status=404)
        if container not in found.containers:
            text = f'container "{container}" in pod "{pod}" is waiting to start: ContainerCreating'
            raise NodeError(text)
        return found.containers[container]

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None:
            if old is not None and uid_of(old) in self._pods:
                self._pods[uid_of(old)].remove()
            return
        if new["spec"].get("nodeName") != self._name:
            return
        uid = uid_of(new)
        if uid in self._pods:
            self._pods[uid].update(new)
        elif not has_ended(new) or is_deleting(new):
            self._start(new)

    def _start(self, obj: Obj) -> None:
        uid, key = uid_of(obj), key_of(obj)
        pod = Pod(obj, self._parts)
        if is_deleting(obj):
            pod.update(obj)
        self._pods[uid] = self._names[key] = pod
        task = asyncio.create_task(pod.run(), name=f"pod {key[0]}/{key[1]}")
        self._tasks[uid] = task

        def over(done: asyncio.Task[None]) -> None:
            self._pods.pop(uid, None)
            self._tasks.pop(uid, None)
            if self._names.get(key) is pod:
                del self._names[key]
            if not done.cancelled() and done.exception() is not None:
                log.error("pod %s/%s broke; starting it again", *key, exc_info=done.exception())
                asyncio.get_running_loop().call_later(BROKEN_RETRY, self._again, key, uid)

        task.add_done_callback(over)

    def _again(self, key: Key, uid: str) -> None:
        """Start a pod whose task broke, if it is still wanted and nothing has started it since."""
        held = self._cache["v1/Pod"].get(key)
        if held is not None and uid_of(held) == uid:
            self._pod_changed(None, held)

    async def _forget_readiness(self, pods: list[Obj]) -> None:
        """Say that nothing runs yet: addresses of the node's earlier life mean nothing any more."""
        for pod in pods:
            if pod["spec"].get("nodeName") != self._name or has_ended(pod):
                continue
            ready = condition_of(pod.get("status") or {}, "Ready")
            if ready is None or ready["status"] != "True":
                continue
            conditions = [
                (
                    {**one, "status": "False", "lastTransitionTime": stamp()}
                    if one["type"] in ("Ready", "ContainersReady")
                    else one
                )
                for one in pod["status"]["conditions"]
            ]
            change = {"status": {"conditions": conditions, "podIP": None, "podIPs": None}}
            namespace, name = key_of(pod)
            try:
                written = await self._client.patch(
                    "v1/Pod", namespace, name, change, subresource="status"
                )
                self._cache["v1/Pod"].observe(written)
            except ApiError as error:
                log.warning("pod %s/%s after a restart: %s", namespace, name, error)

    def _service_variables(self, pod: Obj) -> Mapping[str, str]:
        links = pod["spec"].get("enableServiceLinks", True)
        services = self._cache["v1/Service"].items()
        return service_variables(key_of(pod)[0], services, links=links)
