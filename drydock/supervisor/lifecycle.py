"""Start, stop and look at a machine from the outside.

Called by the command line. A machine runs exactly as long as a process holds the lock of its state directory.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from drydock.runtime.invocation import typed
from drydock.supervisor.address_book import ALREADY_RUNNING, Machine, Running, build_digest
from drydock.supervisor.children import port_is_free, tail

START_LIMIT_S = 90.0
STOP_LIMIT_S = 30.0
POLL_S = 0.05
NEEDED_PROGRAMS = ("docker-registry", "unshare", "setpriv", "ip", "nft", "slirp4netns")


class MachineError(Exception):
    """A machine that cannot be started or stopped; the text names the cause and the next command."""


def status(machine: Machine) -> Running | None:
    """Return the record of the running machine, or None."""
    if not _is_locked(machine.lock_file):
        return None
    try:
        return Running.from_json(machine.record_file.read_text())
    except FileNotFoundError:
        return None


def start(machine: Machine, say: Callable[[str], None]) -> Running:
    """Start what does not run yet and wait until it serves; restart a machine of older code.

    `say` gets one line a part that came up. Raises MachineError.
    """
    if _is_locked(machine.lock_file):
        running = _until_up(machine)
        if running.build == build_digest() and running.ports == machine.ports:
            return running
        say("restarting: the running machine was started by other code or with other ports")
        stop(machine)
    _check(machine)
    machine.log_dir.mkdir(parents=True, exist_ok=True)
    log = machine.log_dir / "supervisor.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "drydock.supervisor"],
            env={**os.environ, **machine.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            cwd="/",
        )
    try:
        came_up = _follow(process, machine, say)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if came_up or process.wait() == ALREADY_RUNNING:
        return _until_up(machine)
    raise MachineError(
        f"the supervisor ended with exit code {process.returncode}; the end of {log}:\n{tail(log)}"
    )


def stop(machine: Machine) -> bool:
    """End the machine; False when none runs. Raises MachineError when it does not end."""
    if not _is_locked(machine.lock_file):
        return False
    pid = _supervisor_pid(machine)
    if pid is None:
        raise MachineError(f"a machine is just starting on {machine.state_dir}; try again")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT_S
    while _is_locked(machine.lock_file):
        if time.monotonic() > deadline:
            raise MachineError(
                f"process {pid} does not end; see {machine.log_dir}, or: kill -9 {pid}"
            )
        time.sleep(POLL_S)
    return True


def _follow(process: subprocess.Popen[str], machine: Machine, say: Callable[[str], None]) -> bool:
    """Report the parts as they come up; return whether all did."""
    assert process.stdout is not None  # noqa: S101 - a pipe, see start
    for line in process.stdout:
        word, _, name = line.strip().partition(" ")
        if word == "up":
            return True
        if word == "failed":
            log = machine.log_dir / f"{name}.log"
            raise MachineError(f"the {name} did not start; the end of {log}:\n{tail(log)}")
        say(f"{name} is ready")
    return False


def _until_up(machine: Machine) -> Running:
    """Wait for a supervisor that holds the lock to write its record."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if found := status(machine):
            return found
        if not _is_locked(machine.lock_file):
            raise MachineError(f"the machine ended right after its start; see {machine.log_dir}")
        time.sleep(POLL_S)
    raise MachineError(f"the machine is not up after {START_LIMIT_S:.0f} s; see {machine.log_dir}")


def _check(machine: Machine) -> None:
    if os.geteuid() != 0:
        raise MachineError(
            "Drydock isolates containers with namespaces and needs root: run it with sudo"
        )
    missing = [program for program in NEEDED_PROGRAMS if shutil.which(program) is None]
    if missing:
        raise MachineError(
            f"not installed: {', '.join(missing)}; `{typed('doctor')}` tells how to get them"
        )
    ports = machine.ports
    for port, use, variable in (
        (ports.registry, "the registry", "DRYDOCK_REGISTRY_PORT"),
        (ports.api, "the cluster's API", "DRYDOCK_API_PORT"),
        (ports.ingress, "the ingress", "DRYDOCK_INGRESS_PORT"),
    ):
        if not port_is_free(port):
            raise MachineError(
                f"port {port} on 127.0.0.1, meant for {use}, is taken by another program "
                f"(`ss -ltnp sport = :{port}` names it); end it, or choose another port: {variable}={port + 1} {typed('start')}"
            )


def _is_locked(lock_file: Path) -> bool:
    try:
        with lock_file.open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _supervisor_pid(machine: Machine) -> int | None:
    try:
        pid: int = json.loads(machine.record_file.read_text())["pid"]
    except FileNotFoundError:
        return None
    return pid
