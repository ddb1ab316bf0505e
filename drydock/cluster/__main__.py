"""`python -m drydock.cluster`: one cluster in one process.

The supervisor starts it inside its isolation. It opens the store, serves the API, and runs the
controllers and, unless `--kubelet=off`, the node with its proxy and ingress. When everything serves,
one JSON line on stdout says where. It ends on SIGTERM, SIGINT, or the end of stdin (`--lifeline`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from drydock.cluster.api import Api
from drydock.cluster.assembly import parts
from drydock.cluster.certificates import Authority
from drydock.cluster.server import Server
from drydock.cluster.store import Store
from drydock.runtime import isolation

_log = logging.getLogger("drydock.cluster")


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    environ = os.environ
    parser = argparse.ArgumentParser(prog="python -m drydock.cluster", description=__doc__)
    state = environ.get("DRYDOCK_STATE_DIR", "/var/lib/drydock")
    parser.add_argument("--state-dir", type=Path, default=Path(state))
    port = int(environ.get("DRYDOCK_API_PORT", "6443"))
    parser.add_argument("--api-port", type=int, default=port, help="0 takes any free port")
    ingress = int(environ.get("DRYDOCK_INGRESS_PORT", "8080"))
    parser.add_argument("--ingress-port", type=int, default=ingress)
    parser.add_argument("--kubelet", choices=("on", "off"), default="on")
    parser.add_argument("--kubeconfig", type=Path, help="default: STATE/cluster/kubeconfig")
    parser.add_argument("--lifeline", action="store_true", help="end when stdin ends")
    return parser.parse_args(arguments)


@contextlib.asynccontextmanager
async def cluster(given: argparse.Namespace) -> AsyncIterator[Server]:
    """Run a cluster for the time of the context."""
    folder = given.state_dir / "cluster"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = Authority(folder / "pki")
    store = Store(folder / "store.db")
    api = Api(store, tokens=authority.tokens)
    server = Server(api, authority, port=given.api_port)
    await server.start()
    address = f"https://127.0.0.1:{server.port}"
    authority.write_kubeconfig(given.kubeconfig or folder / "kubeconfig", address)
    try:
        async with parts(api, authority, given, api_port=server.port):
            yield server
    finally:
        await server.close()
        store.close()


async def run(given: argparse.Namespace) -> None:
    """Serve until told to end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if given.lifeline:
        loop.add_reader(sys.stdin.fileno(), lambda: _lifeline(loop, ended))
    async with cluster(given) as server:
        folder = given.state_dir / "cluster"
        ready = {
            "ready": True,
            "server": f"https://127.0.0.1:{server.port}",
            "kubeconfig": str(given.kubeconfig or folder / "kubeconfig"),
        }
        print(json.dumps(ready), flush=True)  # noqa: T201 - the ready line is the contract
        await ended.wait()


def _lifeline(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        ended.set()


def main() -> int:
    """Run the command."""
    faulthandler.register(signal.SIGUSR2)  # where does it hang? kill -USR2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    given = options()
    if given.kubelet == "on":
        # Mounts of containers stay in this process, also when it was started without isolation.
        isolation.private_mounts()
        isolation.prepare()
    asyncio.run(run(given))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
