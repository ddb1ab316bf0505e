"""The supervisor process: starts the parts, keeps them running, ends them. Started by `lifecycle.start` only.

Protocol with its starter, on standard output: one line a part (`ready NAME`), then `up`; or `failed NAME` and the reason
in the part's log. After `up` nobody listens any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time

from drydock.supervisor.address_book import ALREADY_RUNNING, Machine, Running
from drydock.supervisor.children import Child, parts_of

READY_LIMIT_S = 60.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
LOCK_ATTEMPTS = 20
LOCK_PAUSE_S = 0.05


class PartError(Exception):
    """A part did not come up."""


async def supervise(machine: Machine) -> None:
    """Run the machine until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    children = [await Child.start(part, machine.log_dir) for part in parts_of(machine)]
    keepers: list[asyncio.Task[None]] = []
    try:
        for child in children:
            await _until_ready(child)
            _say(f"ready {child.part.name}")
        machine.record_file.write_text(Running.of(machine).to_json())
        _say("up")
        _detach()
        keepers = [
            asyncio.create_task(_keep(slot, children, machine)) for slot in range(len(children))
        ]
        await stop.wait()
    finally:
        machine.record_file.unlink(missing_ok=True)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        await asyncio.gather(*(child.stop() for child in children))


async def _until_ready(child: Child) -> None:
    try:
        came_up = await asyncio.wait_for(child.ready(), READY_LIMIT_S)
    except TimeoutError:
        came_up = False
    if not came_up:
        raise PartError(child.part.name)


async def _keep(slot: int, children: list[Child], machine: Machine) -> None:
    """Start a part again whenever it ends, with a growing pause between quick failures."""
    pause = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        code = await children[slot].wait()
        part = children[slot].part
        pause = (
            FIRST_PAUSE_S if loop.time() - started > STEADY_S else min(pause * 2, LONGEST_PAUSE_S)
        )
        _log(machine, f"{part.name} ended with {code}; starts again in {pause:.1f} s")
        await asyncio.sleep(pause)
        children[slot] = await Child.start(part, machine.log_dir)


def _log(machine: Machine, text: str) -> None:
    with (machine.log_dir / "supervisor.log").open("a") as log:
        log.write(text + "\n")


def _say(text: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _detach() -> None:
    """Let go of the starter's pipe."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.close(null)


def _locked(descriptor: int) -> bool:
    """Take the lock; try again for a moment, as a process that only looks holds it very briefly."""
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return True
    return False


def main() -> int:
    """Take the lock of the state directory and supervise; exit 3 when somebody else holds it."""
    machine = Machine.from_environment(os.environ)
    for folder in (machine.run_dir, machine.log_dir, machine.config_dir):
        folder.mkdir(parents=True, exist_ok=True)
    with machine.lock_file.open("a") as lock:
        if not _locked(lock.fileno()):
            return ALREADY_RUNNING
        try:
            asyncio.run(supervise(machine))
        except PartError as failure:
            _say(f"failed {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
