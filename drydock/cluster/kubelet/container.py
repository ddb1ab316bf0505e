"""One container of a pod, from its first pull to its last exit.

The pod runs `run` as a task and calls `stop`. Invariant: the state it shows is always one that a
kubelet would show, and when `run` has ended, nothing of the container is left but its logs.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from drydock.cluster.controllers.meta import stamp
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.action import ActionError, perform
from drydock.cluster.kubelet.console import Console
from drydock.cluster.kubelet.environment import command_of, environment_of, stop_signal_of
from drydock.cluster.kubelet.logs import ContainerLog, ContainerLogs
from drydock.cluster.kubelet.probe import Prober
from drydock.cluster.kubelet.pulling import BackOff, PullError
from drydock.cluster.kubelet.room import Room
from drydock.cluster.kubelet.security import full_name, rights_of
from drydock.cluster.kubelet.source import ConfigError
from drydock.cluster.kubelet.status import ContainerStatus, is_sidecar
from drydock.cluster.kubelet.volumes import MountError
from drydock.runtime.errors import RuntimeFault
from drydock.runtime.image import Image
from drydock.runtime.process import BindMount, ProcessSpec
from drydock.runtime.runner import Running

log = logging.getLogger(__name__)
T = TypeVar("T")

CONFIG_RETRY = 10.0
STABLE_SECONDS = 600.0
MESSAGE_LIMIT = 4096
START_ERROR = 128
HOOK_SECONDS = 60.0


class Container:
    """Keeps one container running as its restart policy asks."""

    def __init__(
        self, spec: Obj, room: Room, logs: ContainerLogs, *, init: bool, guest: bool = False
    ) -> None:
        """Make a container; a guest (an ephemeral one) is never restarted."""
        self.spec = spec
        self.logs = logs
        self.console: Console | None = None
        self.status = ContainerStatus(spec["name"], spec["image"], init=init)
        self.settled = asyncio.Event()
        """Set when it is started (startup probe included) or over."""
        self._room = room
        self._init, self._guest = init, guest
        self._running: Running | None = None
        self._stop_signal = signal.SIGTERM
        self._stopping = asyncio.Event()
        self._back_off = BackOff()

    @property
    def address(self) -> str:
        """Return the pod's address."""
        return self._room.endpoint.address

    @property
    def running(self) -> Running | None:
        """Return the running process, if there is one."""
        return self._running

    def begin_again(self, held: Obj) -> None:
        """Take over from a status of an earlier life of the node."""
        self.status.restarts = held.get("restartCount", 0)
        if "running" not in (held.get("state") or {}):
            self.status.last_state = held.get("lastState") or {}
            return
        self.status.restarts += 1
        began = held["state"]["running"].get("startedAt")
        ended = {"exitCode": 255, "reason": "Unknown", "startedAt": began, "finishedAt": stamp()}
        self.status.last_state = {"terminated": {**ended, "containerID": held.get("containerID")}}

    async def run(self) -> None:
        """Run, and restart, until the container is over."""
        try:
            while not self._stopping.is_set():
                code = await self._once()
                if code is None:
                    continue
                if self._stopping.is_set() or not self._restarts(code):
                    break
                await self._pause_after_crash()
        except asyncio.CancelledError:
            raise  # the node goes, the container is not over
        except Exception:
            self._conclude()
            raise
        self._conclude()

    def _conclude(self) -> None:
        self.status.over = True
        self.status.ready = False
        self.settled.set()
        self._room.changed()

    async def stop(self, grace: float) -> None:
        """End the container: hook, stop signal, and SIGKILL after `grace` seconds in all."""
        self._stopping.set()
        running = self._running
        if running is None:
            return
        await self._event("Normal", "Killing", f"Stopping container {self.spec['name']}")
        await self._end(running, grace)

    async def connect(self, host: str, port: int) -> tuple[StreamReader, StreamWriter]:
        """Connect into the pod's network."""
        return await self._room.network.open_connection(host, port)

    async def execute(self, args: tuple[str, ...], sink: Callable[[bytes], None]) -> int:
        """Run a command in the container, both its streams into one sink."""
        if self._running is None:
            raise ActionError("container is not running")
        try:
            return await self._running.exec(args, stdout=sink, stderr=sink)
        except RuntimeFault as error:
            raise ActionError(str(error)) from error

    # What the prober tells.

    def is_started(self) -> None:
        """Take note that the container has started."""
        self.status.started = True
        self.settled.set()
        self._room.changed()

    def is_ready(self, *, ready: bool) -> None:
        """Take note of the readiness."""
        if self.status.ready != ready:
            self.status.ready = ready
            self._room.changed()

    async def is_unhealthy(self, kind: str, text: str) -> None:
        """Tell of a failed probe."""
        await self._event("Warning", "Unhealthy", f"{kind} probe failed: {text}")

    async def is_dead(self, kind: str, probe: Obj) -> None:
        """End a container whose probe failed for good; the restart policy decides what follows."""
        if self._running is None:
            return
        name = self.spec["name"]
        text = f"Container {name} failed {kind} probe, will be restarted"
        await self._event("Normal", "Killing", text)
        grace = probe.get("terminationGracePeriodSeconds", self._room.grace())
        await self._end(self._running, float(grace))

    # One life.

    async def _once(self) -> int | None:
        """Pull, start and wait; return the exit code, None when it could not be started (yet)."""
        image = await self._pulled()
        if image is None:
            return None
        self._wait("ContainerCreating")
        try:
            return await self._live(image)
        except (ConfigError, MountError) as error:
            self._wait("CreateContainerConfigError", str(error))
            await self._event("Warning", "Failed", f"Error: {error}")
            await self._pause(CONFIG_RETRY)
            return None
        except RuntimeFault as error:
            await self._event("Warning", "Failed", f"Error: {error}")
            self._ended(START_ERROR, "StartError", stamp(), str(error))
            return START_ERROR

    async def _pulled(self) -> Image | None:
        key = self.spec["image"]
        pull = self._room.puller.pull(self._room.pod(), self.spec, self._event)
        try:
            image = await self._unless_stopped(pull)
        except PullError as error:
            self._wait(error.reason, str(error))
            pause = self._back_off.fail(key)
            await self._pause(min(1.0, pause))
            if error.reason == "ErrImagePull":
                text = f'Back-off pulling image "{key}"'
                self._wait("ImagePullBackOff", f"{text}: {error.reason}: {error}")
                await self._event("Normal", "BackOff", text)
                await self._event("Warning", "Failed", "Error: ImagePullBackOff")
            await self._pause(pause)
            return None
        self._back_off.forget(key)
        return image

    async def _live(self, image: Image) -> int:
        room = self._room
        self.status.image_id = image.reference
        self._stop_signal = stop_signal_of(image.config)
        async with room.runtime.snapshots.edit(image.snapshot) as edit:
            spec, message = await self._spec(image, edit.path)
            output = self.logs.begin()
            console = self.console = Console(self.spec, output)
            try:
                async with room.starts:
                    running = await room.runtime.runner.start(
                        edit.path,
                        spec,
                        stdin=console.stdin,
                        stdout=console.stdout,
                        stderr=console.stderr,
                    )
                console.handed_over()
                try:
                    return await self._watch(running, message, output)
                finally:
                    self._running = None
                    await asyncio.shield(running.stop(0))
            finally:
                self.console = None
                console.close()
                output.close()

    async def _watch(self, running: Running, message: Path, output: ContainerLog) -> int:
        began, since = stamp(), time.monotonic()
        self._running = running
        self.status.container_id = f"drydock://{secrets.token_hex(32)}"
        self.status.state = {"running": {"startedAt": began}}
        self._room.changed()
        await self._event("Normal", "Created", "Container created")
        await self._event("Normal", "Started", "Container started")
        probing = asyncio.create_task(self._probe(running), name=f"probes of {self.spec['name']}")
        try:
            code = await running.wait()
        finally:
            probing.cancel()
            (ended,) = await asyncio.gather(probing, return_exceptions=True)
            if isinstance(ended, Exception):
                log.error("probes of %s: %s", self.spec["name"], ended, exc_info=ended)
        if time.monotonic() - since > STABLE_SECONDS:
            self._back_off.forget("crash")
        reason = "Completed" if code == 0 else "Error"
        self._ended(code, reason, began, self._last_words(message, output, code))
        return code

    async def _probe(self, running: Running) -> None:
        hook = (self.spec.get("lifecycle") or {}).get("postStart")
        if hook is not None:
            try:
                await perform(hook, self, timeout=HOOK_SECONDS)
            except ActionError as error:
                await self._event(
                    "Warning", "FailedPostStartHook", f"PostStartHook failed: {error}"
                )
                await running.stop(self._room.grace(), self._stop_signal)
                return
        await Prober(self.spec, self, self).run()

    async def _spec(self, image: Image, rootfs: Path) -> tuple[ProcessSpec, Path]:
        room, container = self._room, self.spec
        pod = room.pod()
        rights = rights_of(pod, container, image.config.user, rootfs)
        environment = await environment_of(
            container,
            pod,
            image=image.config,
            addresses=room.addresses(),
            services=room.service_variables(),
            source=room.source,
        )
        args = command_of(container, image.config, environment)
        if not args:
            raise ConfigError("no command specified")
        message = room.folder / f"{container['name']}.message"
        message.write_bytes(b"")
        message.chmod(0o666)
        target = container.get("terminationMessagePath") or "/dev/termination-log"
        mounts = [*room.volumes.mounts(container, environment), BindMount(message, target)]
        claimed = {mount.target for mount in mounts}
        if "/etc/resolv.conf" not in claimed:
            mounts.append(BindMount(room.resolver(), "/etc/resolv.conf", read_only=True))
        spec = ProcessSpec(
            args=args,
            env=environment,
            cwd=container.get("workingDir") or image.config.workdir or "/",
            user=rights.user,
            mounts=tuple(mounts),
            read_only_root=rights.read_only_root,
            no_new_privileges=rights.no_new_privileges,
            capabilities=rights.capabilities,
            privileged=rights.privileged,
            hostname=room.hostname(),
            hosts=room.hosts(),
            network=room.endpoint,
            init=False,
        )
        return spec, message

    async def _end(self, running: Running, grace: float) -> None:
        start = time.monotonic()
        self.status.ready = False
        self._room.changed()
        hook = (self.spec.get("lifecycle") or {}).get("preStop")
        if hook is not None and grace > 0:
            try:
                await self._unless_ended(running, perform(hook, self, timeout=grace))
            except ActionError as error:
                await self._event("Warning", "FailedPreStopHook", f"PreStopHook failed: {error}")
        left = grace - (time.monotonic() - start)
        await running.stop(max(left, 2.0 if grace > 0 else 0.0), self._stop_signal)

    async def _unless_ended(self, running: Running, work: Awaitable[None]) -> None:
        """Do a hook's work, but no longer than the container lives."""
        doing = asyncio.ensure_future(work)
        ending = asyncio.create_task(running.wait())
        await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
        for task in (doing, ending):
            if not task.done():
                task.cancel()
        await asyncio.gather(ending, return_exceptions=True)
        if not doing.cancelled():
            await asyncio.wait({doing})
        if doing.done() and not doing.cancelled():
            doing.result()

    # States.

    def _restarts(self, code: int) -> bool:
        if self._guest:
            return False
        own = self.spec.get("restartPolicy")
        policy = own or self._room.pod()["spec"].get("restartPolicy", "Always")
        if self._init:
            return is_sidecar(self.spec) or (code != 0 and policy != "Never")
        return bool(policy == "Always" or (policy == "OnFailure" and code != 0))

    async def _pause_after_crash(self) -> None:
        """Restart at once the first time, later after 10 s, 20 s, ... in CrashLoopBackOff."""
        ended = self.status.state
        pause = self._back_off.pause("crash")
        if pause > 0:
            name, pod = self.spec["name"], full_name(self._room.pod())
            text = f"back-off {_go_duration(pause)} restarting failed container={name} pod={pod}"
            self.status.last_state = ended
            self._wait("CrashLoopBackOff", text)
            text = f"Back-off restarting failed container {name} in pod {pod}"
            await self._event("Warning", "BackOff", text)
            await self._pause(pause)
        self._back_off.fail("crash")
        self.status.last_state = ended
        self.status.restarts += 1

    def _wait(self, reason: str, message: str = "") -> None:
        waiting = {"reason": reason, "message": message} if message else {"reason": reason}
        self.status.state = {"waiting": waiting}
        self._room.changed()

    def _ended(self, code: int, reason: str, began: str, message: str) -> None:
        ended: Obj = {
            "exitCode": code,
            "reason": reason,
            "startedAt": began,
            "finishedAt": stamp(),
            "containerID": self.status.container_id,
        }
        if message:
            ended["message"] = message
        self.status.state = {"terminated": {k: v for k, v in ended.items() if v != ""}}
        self.status.ready = self.status.started = False
        self._room.changed()

    def _last_words(self, message: Path, output: ContainerLog, code: int) -> str:
        text = message.read_bytes()[:MESSAGE_LIMIT].decode(errors="replace")
        policy = self.spec.get("terminationMessagePolicy", "File")
        if not text and code != 0 and policy == "FallbackToLogsOnError":
            return output.tail(80, 2048)
        return text

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _unless_stopped(self, work: Awaitable[T]) -> T | None:
        doing = asyncio.ensure_future(work)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            stopping.cancel()
            if not doing.done():
                doing.cancel()
            await asyncio.gather(stopping, doing, return_exceptions=True)

    async def _event(self, kind: str, reason: str, message: str) -> None:
        field = "initContainers" if self._init else "containers"
        field = "ephemeralContainers" if self._guest else field
        where = f"spec.{field}{{{self.spec['name']}}}"
        tell = self._room.recorder.normal if kind == "Normal" else self._room.recorder.warning
        await tell(self._room.pod(), reason, message, field=where)


def _go_duration(seconds: float) -> str:
    """Write 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
