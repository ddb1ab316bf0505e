"""kubectl and the Python client with a running pod: exec, cp, attach, debug, port-forward, logs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes import client, config, stream

from drydock.cluster.certificates import Authority
from drydock.cluster.server import Server
from tests.drydock.cluster.controllers.conftest import NAMESPACE
from tests.drydock.cluster.kubelet.conftest import Machine, free_port

pytestmark = pytest.mark.root

KUBECTL = Path(sys.executable).with_name("kubectl")
SERVER = "mkdir -p /tmp/www; echo hi > /tmp/www/index.html; httpd -f -p 8080 -h /tmp/www"


@dataclass
class Desk:
    """A person with a kubeconfig."""

    machine: Machine
    kubeconfig: Path

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start kubectl in the pod's namespace."""
        home = self.kubeconfig.parent
        return await asyncio.create_subprocess_exec(
            *(str(KUBECTL), "-n", NAMESPACE, *arguments),
            env={"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(self.kubeconfig)},
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    async def kubectl(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Run kubectl to its end; return its exit code and what it said."""
        made = await self.start(*arguments)
        async with asyncio.timeout(60):
            said, _ = await made.communicate(stdin.encode())
        return made.returncode or 0, said.decode()


@pytest.fixture
async def desk(machine: Machine, tmp_path: Path) -> AsyncIterator[Desk]:
    """Serve the API, and run a pod with a web server."""
    authority = Authority(tmp_path / "pki")
    server = Server(machine.api, authority, port=0)
    await server.start()
    kubeconfig = tmp_path / "kubeconfig"
    authority.write_kubeconfig(kubeconfig, f"https://127.0.0.1:{server.port}")
    await machine.create(machine.pod({"command": ["sh", "-c", SERVER]}))
    await machine.state(lambda one: one["ready"])
    yield Desk(machine, kubeconfig)
    await server.close()


async def test_commands_run_with_their_streams(desk: Desk):
    """Input, output and exit code come through, and files both ways."""
    code, said = await desk.kubectl(
        "exec", "-i", "p", "--", "sh", "-c", "cat; exit 7", stdin="typed"
    )
    assert code == 7
    assert said.startswith("typed")
    (desk.kubeconfig.parent / "there").write_text("x" * 100_000)
    assert (await desk.kubectl("cp", "there", "p:/tmp/there"))[0] == 0
    assert (await desk.kubectl("cp", "p:/tmp/there", "back"))[0] == 0
    assert (desk.kubeconfig.parent / "back").read_text() == "x" * 100_000


async def test_a_forwarded_port_reaches_the_pod(desk: Desk):
    """Request after request, through the tunnel."""
    port = free_port()
    forward = await desk.start("port-forward", "pod/p", f"{port}:8080")
    try:
        assert forward.stdout is not None
        async with asyncio.timeout(20):
            assert b"Forwarding" in await forward.stdout.readline()
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            async with asyncio.timeout(20):
                assert (await reader.read()).endswith(b"hi\n")
            writer.close()
            await writer.wait_closed()
    finally:
        forward.terminate()
        await forward.communicate()


async def test_a_container_is_run_typed_into_and_removed(desk: Desk):
    """`kubectl run -i --rm` hears what the container says, and tells how it ended."""
    image = f"--image={desk.machine.image}"
    command = ("--", "sh", "-c", "read name; echo hello $name; exit 3")
    code, said = await desk.kubectl(
        *("run", "guest", image, "-i", "--rm", "--quiet", "--restart=Never", *command),
        stdin="you\n",
    )
    assert "hello you" in said
    assert code == 3, said
    await desk.machine.gone("guest")


async def test_a_running_pod_is_debugged(desk: Desk):
    """`kubectl debug` adds a container that reaches the pod's own port."""
    command = ("--", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/")
    image = f"--image={desk.machine.image}"
    code, said = await desk.kubectl("debug", "p", image, "-c", "look", *command)
    assert code == 0, said

    async def seen() -> bool:
        return (await desk.kubectl("logs", "p", "-c", "look"))[1] == "hi\n"

    await desk.machine.until(seen)


async def test_the_python_client_runs_commands(desk: Desk):
    """Over a WebSocket, with both streams and the exit code."""

    def work() -> tuple[str, str, int]:
        api = config.new_client_from_config(str(desk.kubeconfig))
        core = client.CoreV1Api(api)
        made = stream.stream(
            core.connect_get_namespaced_pod_exec,
            "p",
            NAMESPACE,
            command=["sh", "-c", "echo out; echo err >&2; exit 5"],
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
        made.run_forever(timeout=20)
        found = made.read_stdout(), made.read_stderr(), made.returncode
        made.close()
        made.sock.shutdown()
        api.rest_client.pool_manager.clear()
        return found

    async with asyncio.timeout(60):
        out, err, code = await asyncio.to_thread(work)
    assert (out.strip(), err.strip(), code) == ("out", "err", 5)
