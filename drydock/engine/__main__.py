"""`python -m drydock.engine --control PATH`: one engine on a unix socket.

Ends on `POST /shutdown`, on SIGTERM or SIGINT, or, with `--lifeline`, when standard input reaches its
end. Says `{"control": PATH}` on standard output once it listens. As the first process of a PID
namespace it stays behind as a small init that reaps, and runs the engine as its child.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import signal
import sys
from pathlib import Path

_RECURSION_LIMIT = 50_000  # queries nest as deep as the pipeline's chain is long


def main() -> int:
    """Run the engine; return the exit code."""
    parser = argparse.ArgumentParser(prog="drydock.engine", description="Serve Dagger's API.")
    parser.add_argument("--control", type=Path, required=True, help="unix socket to listen on")
    parser.add_argument(
        "--lifeline", action="store_true", help="end when standard input reaches its end"
    )
    parser.add_argument(
        "--private",
        action="store_true",
        help="like --lifeline; the socket's folder is ours alone and goes with us",
    )
    args = parser.parse_args()
    if _isolated():
        from drydock.runtime import isolation  # only needed here

        isolation.prepare()
        if os.getpid() == 1 and (child := os.fork()):
            return _init(child)
    sys.setrecursionlimit(_RECURSION_LIMIT)
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_serve(args.control, lifeline=args.lifeline or args.private))
    finally:
        if args.private:
            # Whoever started us may have been killed, so this is not left to them.
            shutil.rmtree(args.control.parent, ignore_errors=True)
    return 0


def _isolated() -> bool:
    """Return whether the namespaces around us were made for this very command."""
    own = Path("/proc/self/cmdline").read_bytes()
    return os.getpid() == 1 or Path("/proc/1/cmdline").read_bytes().endswith(b"\0" + own)


def _init(child: int) -> int:
    """Forward signals to the engine and reap whatever is left to process 1 until it ends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: os.kill(child, received))
    sys.stdin.close()
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) & 0xFF


async def _serve(control: Path, *, lifeline: bool) -> None:
    from drydock.runtime.state import StateDir

    from .engine import Engine
    from .server import Server

    engine = Engine(StateDir.default())
    server = Server(engine)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stopped.set)
    try:
        await server.start(control)
        print(json.dumps({"control": str(control)}), flush=True)  # noqa: T201 - the protocol
        await engine.warm_python.start()  # only starts it: it warms up beside us
        if lifeline:
            loop.add_reader(0, _drain, loop, server.stopped)
        await server.stopped.wait()
    finally:
        await server.close()
        control.unlink(missing_ok=True)


def _drain(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Read standard input; its end is the end of whoever started this engine."""
    if not os.read(0, 4096):
        loop.remove_reader(0)
        stopped.set()


if __name__ == "__main__":
    sys.exit(main())
