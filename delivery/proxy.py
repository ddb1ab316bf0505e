"""The way to the cluster: one `kubectl proxy` on a unix socket for the whole run, with every login that kubectl knows.

Called once per run, by its main thread. The proxy outlives a server that is away and a Ctrl-C that is meant for us,
and ends with the run, however that ends.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from delivery.cluster import Cluster, KubectlError, run_kubectl
from delivery.errors import PreflightError

START_SECONDS = 10.0
END_SECONDS = 5.0
ALIAS = "DELIVERY_CLUSTER_ALIAS"
"""Variable with the name by which this container reaches the server."""


@contextmanager
def connect() -> Iterator[Cluster]:
    """Open the way to the cluster; raise PreflightError when there is none."""
    server = _server()
    with tempfile.TemporaryDirectory(prefix="delivery-") as folder:
        path, log = Path(folder) / "api.sock", Path(folder) / "proxy.log"
        flags = [f"--server={server}"] if server else []
        proxying = [*flags, "proxy", f"--unix-socket={path}", "--append-server-path"]
        try:
            # It writes a line for every failed request: a pipe that nobody reads would stop it.
            with log.open("wb") as words:
                proxy = subprocess.Popen(
                    [*_bound(), _kubectl(), *proxying],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=words,
                    start_new_session=True,  # Ctrl-C is for us: the lock is given back through it.
                )
        except OSError as error:
            raise PreflightError(f"kubectl cannot be started: {error}") from error
        try:
            _wait_for(proxy, path, log)
            yield Cluster(server, path)
        finally:
            _end(proxy)


def _kubectl() -> str:
    """Find kubectl; raise PreflightError."""
    found = shutil.which("kubectl")
    if found is None:
        raise PreflightError("there is no kubectl on PATH; the delivery reaches the cluster by it")
    return found


def _bound() -> list[str]:
    """Have the kernel end a command with us, after `kill -9` too; by util-linux, so only where that is."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig=TERM"] if found else []


def _wait_for(proxy: "subprocess.Popen[bytes]", path: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _accepts(path):
        if proxy.poll() is not None:
            told = log.read_text(errors="replace").strip()
            raise PreflightError(f"no way to the cluster, is the kubeconfig right? {told}")
        if time.monotonic() > deadline:
            raise PreflightError("kubectl proxy did not start")
        time.sleep(0.01)


def _end(proxy: "subprocess.Popen[bytes]") -> None:
    """End the proxy, by force when it does not listen."""
    proxy.terminate()
    try:
        proxy.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        proxy.kill()
        proxy.wait()


def _accepts(path: Path) -> bool:
    """Tell whether somebody listens; the file alone is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _server() -> str | None:
    """Name the server the way this container reaches it, when the kubeconfig's name is another."""
    alias = os.environ.get(ALIAS)
    if not alias:
        return None
    wanted = "jsonpath={.clusters[0].cluster.server}"
    try:
        named = run_kubectl(["config", "view", "--minify", f"--output={wanted}"])
    except KubectlError as error:
        raise PreflightError(f"the kubeconfig cannot be read: {error}") from error
    parts = urlsplit(named)
    return f"{parts.scheme}://{alias}:{parts.port or 443}{parts.path.rstrip('/')}"
