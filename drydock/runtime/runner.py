"""Running containers: ProcessSpec and a root file system in, exit code and streams out.

Called by the engine (commands and services of a pipeline), the kubelet (containers of a pod) and
the recipes. crun does the work, runc where crun is missing. A container never outlives its `run`:
time-out and cancellation kill its init, and with it the kernel kills the rest. What a killed
Drydock leaves under crun's state is swept with the state directory.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL, SIGTERM

from drydock.runtime import bundle
from drydock.runtime.command import check_command
from drydock.runtime.errors import MissingProgram, SetupFailed
from drydock.runtime.machine_env import machine_env
from drydock.runtime.mountpoints import MountPoints
from drydock.runtime.process import (
    DEFAULT_CAPABILITIES,
    ROOT,
    BindMount,
    Mount,
    ProcessSpec,
    Sink,
    TmpfsMount,
    User,
)
from drydock.runtime.programs import find, require
from drydock.runtime.rootview import RootView
from drydock.runtime.state import StateDir, remove_tree
from drydock.runtime.streams import Outlet, inlet

__all__ = [
    "DEFAULT_CAPABILITIES",
    "ROOT",
    "BindMount",
    "Mount",
    "ProcessSpec",
    "Runner",
    "Running",
    "Sink",
    "TmpfsMount",
    "User",
]

_KILL_ATTEMPTS = 100
_KILL_PAUSE = 0.02
_DELETE_SECONDS = 5.0
_START_SECONDS = 30.0


class Running:
    """A container that was started; `wait` has to be awaited (or `stop`), it cleans up."""

    def __init__(
        self, runner: Runner, spec: ProcessSpec, folder: Path, points: MountPoints
    ) -> None:
        self.id = folder.name
        self._runner = runner
        self._spec = spec
        self._folder = folder
        self._points = points
        self._outlets: list[Outlet] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._done: asyncio.Task[int] | None = None

    @property
    def pid(self) -> int:
        """Process id of the container's init, as this process sees it.

        0 if it is not there (any more).
        """
        try:
            return int((self._folder / "pid").read_text() or 0)
        except FileNotFoundError:
            return 0

    async def wait(self) -> int:
        """Wait for the end.

        Return the exit code (128+N for signal N). SetupFailed if it never came up.
        """
        if self._done is None:
            raise SetupFailed("the container was never started")
        return await asyncio.shield(self._done)

    async def signal(self, number: int) -> None:
        """Send a signal to the container's init, which passes it on.

        Nothing happens if it has ended.
        """
        if (pid := self.pid) and self._done is not None and not self._done.done():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    async def stop(self, grace: float = 10.0, number: int = SIGTERM) -> int:
        """Ask the container to end, kill it after `grace` seconds; return the exit code."""
        await self.signal(number)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                return await self.wait()
        await self.kill()
        return await self.wait()

    async def exec(
        self,
        args: tuple[str, ...],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        user: User | None = None,
        stdin: bytes | int = b"",
        stdout: Sink,
        stderr: Sink,
        timeout: float | None = None,  # noqa: ASYNC109 - the contract's name
    ) -> int:
        """Run a further process in the container, by default in its environment and as its user.

        Returns the exit code. CommandNotFound, NotExecutable or SetupFailed (also when the
        container has ended) if it could not be started, TimeoutError after `timeout` seconds.
        """
        spec = replace(
            self._spec,
            args=args,
            env=self._spec.env if env is None else env,
            cwd=cwd or self._spec.cwd,
            user=user or self._spec.user,
        )
        pid = self.pid
        if not pid:
            raise SetupFailed("the container has ended")
        # Through the container's own mounts, so that nothing but /proc and the like is hidden.
        root = Path(f"/proc/{pid}/root")
        check_command(RootView(root), spec)
        name = secrets.token_hex(4)
        config = self._folder / f"exec-{name}.json"
        log = self._folder / f"exec-{name}.log"
        config.write_text(json.dumps(bundle.process(spec, machine_env().for_image(root))))
        outlets = [Outlet(stdout, spec.user.uid), Outlet(stderr, spec.user.uid)]
        command = ["exec", "--process", str(config), self.id]
        try:
            child = self._runner.spawn(command, log, stdin, outlets)
            try:
                async with asyncio.timeout(timeout):
                    code = await _exited(child)
            except BaseException:
                await asyncio.shield(_killed(child))
                raise
            for outlet in outlets:
                await outlet.drained()
            _raise_logged(log, code)
            return code
        finally:
            for outlet in outlets:
                outlet.close()
            config.unlink(missing_ok=True)
            log.unlink(missing_ok=True)

    async def kill(self) -> None:
        """Kill everything in the container and wait for its end."""
        child, done = self._process, self._done
        if child is None or done is None:
            return
        # crun may be anywhere between its start and the container's: whatever it has forked goes,
        # until it gives up.
        for _ in range(_KILL_ATTEMPTS):
            if done.done():
                return
            _kill_children(child.pid)
            await asyncio.wait([done], timeout=_KILL_PAUSE)
        child.kill()
        await asyncio.to_thread(self._runner.delete, self.id)
        await asyncio.wait([done])

    def begin(self, stdin: bytes | int, stdout: Sink, stderr: Sink) -> None:
        """Start the container; called once, by the runner."""
        owner = self._spec.user.uid
        self._outlets = [Outlet(stdout, owner), Outlet(stderr, owner)]
        command = ["run", "--bundle", str(self._folder), "--pid-file", str(self._folder / "pid")]
        log = self._folder / "crun.log"
        self._process = self._runner.spawn([*command, self.id], log, stdin, self._outlets)
        self._done = asyncio.create_task(self._finish(self._process, log))
        # Whoever cancelled or killed it does not ask for the result any more.
        self._done.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _finish(self, child: subprocess.Popen[bytes], log: Path) -> int:
        try:
            code = await _exited(child)
            for outlet in self._outlets:
                await outlet.drained()
            _raise_logged(log, code)
            return code
        finally:
            for outlet in self._outlets:
                outlet.close()
            self._points.remove()
            remove_tree(self._folder)


class Runner:
    """Runs containers on one state directory."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._program = find("crun") or find("runc")
        self._is_crun = self._program is not None and self._program.endswith("crun")

    async def run(
        self,
        rootfs: Path,
        spec: ProcessSpec,
        *,
        stdin: bytes | int = b"",
        stdout: Sink,
        stderr: Sink,
        timeout: float | None = None,  # noqa: ASYNC109 - the contract's name
    ) -> int:
        """Run `spec` on the writable tree `rootfs` to its end.

        Return the exit code (128+N for signal N). CommandNotFound, NotExecutable or SetupFailed if
        it cannot start; TimeoutError after `timeout` seconds.
        """
        running = await self._begin(rootfs, spec, stdin, stdout, stderr)
        try:
            async with asyncio.timeout(timeout):
                return await running.wait()
        except BaseException:
            await asyncio.shield(running.kill())
            raise

    async def start(
        self,
        rootfs: Path,
        spec: ProcessSpec,
        *,
        stdin: bytes | int = b"",
        stdout: Sink,
        stderr: Sink,
    ) -> Running:
        """Start `spec` and return once its init runs; errors as for `run`."""
        running = await self._begin(rootfs, spec, stdin, stdout, stderr)
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not running.pid:
                    if running._done is not None and running._done.done():  # noqa: SLF001
                        running._done.result()  # noqa: SLF001 - raises what went wrong
                        break
                    await asyncio.sleep(0.002)
        except BaseException:
            await asyncio.shield(running.kill())
            raise
        return running

    async def _begin(
        self, rootfs: Path, spec: ProcessSpec, stdin: bytes | int, stdout: Sink, stderr: Sink
    ) -> Running:
        if not spec.args:
            raise SetupFailed("no command was given")
        mounts = sorted(spec.mounts, key=lambda mount: mount.target.rstrip("/").count("/"))
        view = RootView(rootfs, mounts)
        check_command(view, spec)
        init = require("tini-static") if spec.init else None
        folder = self._state.fresh("c", confidential=True)
        points = MountPoints()
        running = Running(self, spec, folder, points)
        try:
            _make_mount_points(points, rootfs, mounts, init=init is not None)
            bundle.write_bundle(folder, rootfs, spec, mounts, init, compiled=self._is_crun)
            running.begin(stdin, stdout, stderr)
        except BaseException:
            points.remove()
            remove_tree(folder)
            raise
        return running

    def spawn(
        self, command: list[str], log: Path, stdin: bytes | int, outlets: list[Outlet]
    ) -> subprocess.Popen[bytes]:
        """Start the OCI runtime; the outlets' descriptors are its own afterwards."""
        if self._program is None:
            raise MissingProgram("crun", "crun")
        options = ["--root", str(self._state.confidential / "crun"), "--log", str(log)]
        options += ["--log-format", "json"]
        if self._is_crun:
            options.append("--cgroup-manager=disabled")
        source = os.dup(stdin) if isinstance(stdin, int) else inlet(stdin)
        try:
            return subprocess.Popen(
                [self._program, *options, *command],
                stdin=source,
                stdout=outlets[0].descriptor,
                stderr=outlets[1].descriptor,
                cwd="/",
                env={"PATH": os.environ.get("PATH", "")},
            )
        finally:
            os.close(source)
            for outlet in outlets:
                outlet.handed_over()

    def delete(self, name: str) -> None:
        """Remove what the OCI runtime knows of a container that did not end by itself. Blocking."""
        if self._program is not None:
            root = str(self._state.confidential / "crun")
            subprocess.run(
                [self._program, "--root", root, "delete", "--force", name],
                check=False,
                capture_output=True,
                timeout=_DELETE_SECONDS,
            )


def _make_mount_points(
    points: MountPoints, rootfs: Path, mounts: list[Mount], *, init: bool
) -> None:
    bare = RootView(rootfs)
    for target in (*bundle.OWN_FILES, *((bundle.INIT_INSIDE,) if init else ())):
        points.ensure(bare, target, folder=False)
    for name in bundle.SYSTEM_FOLDERS:
        points.ensure(_Uncovered(rootfs), name, folder=True)
    done: list[Mount] = []
    for mount in mounts:
        folder = not isinstance(mount, BindMount) or mount.source.is_dir()
        points.ensure(RootView(rootfs, done), mount.target, folder=folder)
        done.append(mount)


class _Uncovered(RootView):
    """The bare root, /proc and the like included."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._mounts.clear()


async def _exited(child: subprocess.Popen[bytes]) -> int:
    """Wait for a child without a thread; return its exit code, 128+N for signal N."""
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(child.pid)
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    code = child.wait()
    return code if code >= 0 else 128 - code


async def _killed(child: subprocess.Popen[bytes]) -> None:
    """End a further process of a container: what crun started, then crun."""
    ended = asyncio.ensure_future(_exited(child))
    for _ in range(_KILL_ATTEMPTS):
        _kill_children(child.pid)
        await asyncio.wait([ended], timeout=_KILL_PAUSE)
        if ended.done():
            return
    child.kill()
    await ended


def _kill_children(pid: int) -> None:
    """Kill the direct children of the OCI runtime.

    The container's init, in whatever stage of its making.
    """
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in task.read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(child), SIGKILL)


def _raise_logged(log: Path, code: int) -> None:
    """Raise SetupFailed if the OCI runtime itself failed, with its message."""
    if code == 0 or not log.exists():
        return
    messages = []
    for line in log.read_text(errors="replace").splitlines():
        with suppress(ValueError, AttributeError):
            entry = json.loads(line)
            if entry.get("level") in {"error", "fatal"}:
                messages.append(str(entry.get("msg", "")))
    if messages:
        raise SetupFailed("; ".join(messages))
