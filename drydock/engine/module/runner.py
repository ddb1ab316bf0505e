"""A warm Python that has imported the SDK once and forks a child for every function call.

`python -m drydock.engine.module.runner FD`: started by the engine (`warm.py`) with one end of a socket pair. Importing the
SDK costs more than a second of CPU, a fork of a process that has done so costs milliseconds. The child runs the SDK's own
entry point, unmodified; what it does and says on errors is the SDK's business.

A message is one JSON object. To the runner: `{"call": ID, ...}` with the descriptors of stdout and stderr, or `{"kill": ID}`.
From it: `{"ready": true}`, `{"exit": ID, "code": N}`. It stays single-threaded (it forks) and ends when the socket closes.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from drydock.engine.module import sandbox

MESSAGE_BYTES = 128 * 1024
_FAILED = 1


def main() -> int:
    """Serve calls until the engine goes away."""
    link = socket.socket(fileno=int(sys.argv[1]))
    sandbox.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import dagger.mod.cli  # noqa: F401 - the costly import this process exists for

    from drydock.engine.module import guest

    guest.warm_up()
    gc.collect()
    gc.freeze()
    _send(link, {"ready": True})
    Runner(link).serve()
    return 0


class Runner:
    """Forks, watches and ends children."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._children: dict[int, tuple[str, int]] = {}  # pid -> call, pidfd

    def serve(self) -> None:
        """Answer messages until the socket closes; then end every child."""
        poll = select.poll()
        poll.register(self._link, select.POLLIN)
        pids: dict[int, int] = {}
        try:
            while True:
                for descriptor, _ in poll.poll():
                    if descriptor == self._link.fileno():
                        started = self._receive()
                        if started is None:
                            return
                        for pid in started:
                            handle = self._children[pid][1]
                            poll.register(handle, select.POLLIN)
                            pids[handle] = pid
                    else:
                        poll.unregister(descriptor)
                        self._reap(pids.pop(descriptor))
        finally:
            for pid in self._children:
                _kill(pid)

    def _receive(self) -> list[int] | None:
        """Handle one message; return the children it started, None at the end."""
        data, descriptors, _, _ = socket.recv_fds(self._link, MESSAGE_BYTES, 2)  # stdout, stderr
        if not data:
            return None
        message = json.loads(data)
        if "kill" in message:
            for pid, (call, _) in self._children.items():
                if call == message["kill"]:
                    _kill(pid)
            return []
        pid = os.fork()
        if pid == 0:
            _supervise(message, descriptors, self._link)
        for descriptor in descriptors:
            os.close(descriptor)
        self._children[pid] = (message["call"], os.pidfd_open(pid))
        return [pid]

    def _reap(self, pid: int) -> None:
        call, handle = self._children.pop(pid)
        os.close(handle)
        _, status = os.waitpid(pid, 0)
        _send(self._link, {"exit": call, "code": os.waitstatus_to_exitcode(status)})


def _supervise(message: dict[str, Any], streams: list[int], link: socket.socket) -> NoReturn:
    """Be the parent of one call: its process group leader, outside of its namespaces."""
    code = _FAILED
    try:
        os.setsid()
        sandbox.die_with_parent()
        link.close()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for target, stream in enumerate(streams, 1):
            os.dup2(stream, target)
        os.closerange(3, 4096)
        isolated = sandbox.possible()
        if isolated:
            sandbox.separate(Path(message["network"]))
        pid = os.fork()
        if pid == 0:
            _run(message, isolated=isolated)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
    except OSError as error:
        sys.stderr.write(f"cannot start the function: {error}\n")
    finally:
        os._exit(code if code >= 0 else 128 - code)


def _run(message: dict[str, Any], *, isolated: bool) -> NoReturn:
    """Become the function call."""
    code = _FAILED
    try:
        sandbox.die_with_parent()
        target = message["source_target"] if isolated else message["source"]
        if isolated:
            sandbox.enter(
                Path(message["root"]),
                Path(message["source"]),
                message["source_target"],
                [Path(path) for path in message["packages"]],
                message["resolver"],
            )
        else:
            os.chdir(message["root"])
        from drydock.engine.module import guest

        code = guest.run(message, Path(target) / message["subfolder"])
    except OSError as error:
        sys.stderr.write(f"cannot start the function: {error}\n")
    except BaseException:  # noqa: BLE001 - nobody above could say it
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _send(link: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        link.send(json.dumps(message).encode())


if __name__ == "__main__":
    sys.exit(main())
