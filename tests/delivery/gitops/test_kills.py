"""A run that is killed between any two steps leaves nothing, or a commit that the next run goes on with."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from delivery.cluster import Cluster
from delivery.gitops import deliver as delivering
from delivery.gitops.git import Git
from delivery.gitops.run import Run
from tests.delivery.conftest import Node, digest, waiting
from tests.delivery.gitops.argo import Argo
from tests.delivery.gitops.conftest import Deliver, Write, reference
from tests.delivery.gitops.forge import Forge
from tests.delivery.gitops.seen import Capture, history, running, said

pytestmark = pytest.mark.usefixtures("node")


class Killed(BaseException):
    """The end of a process, as far as one process can play it."""


@dataclass
class Death:
    """Kills a run before or after the first git command of a kind."""

    verb: str
    after: bool
    happened: bool = False

    def wrap(self, original: Callable[..., str]) -> Callable[..., str]:
        """Make a `Git.run` that dies once."""

        def run(git: Git, *args: str, **options: object) -> str:
            due = args[0] == self.verb and not self.happened
            if due and not self.after:
                self.happened = True
                raise Killed
            told = original(git, *args, **options)
            if due:
                self.happened = True
                raise Killed
            return told

        return run


STEPS = [(verb, after) for verb in ("clone", "fetch", "commit", "push") for after in (False, True)]


@pytest.mark.parametrize(("verb", "after"), STEPS)
def test_a_delivery_killed_at_any_step_of_git_is_finished_by_the_next(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    after: bool,
) -> None:
    assert deliver(backend="one") == 0
    head = forge.head()
    death = Death(verb, after)
    with monkeypatch.context() as patched:
        patched.setattr(Git, "run", death.wrap(Git.run))
        with pytest.raises(Killed):
            deliver(backend="two")
    assert death.happened
    assert (forge.head() == head) == ((verb, after) != ("push", True))
    assert deliver(backend="two") == 0
    assert forge.messages()[:2] == ["Deliver backend two to test", "Deliver backend one to test"]
    assert running(cluster, namespace) == reference("two")
    assert history(cluster, namespace)[:2] == [("deploy", "live", "two"), ("deploy", "live", "one")]
    assert argo.healed == 0


def test_what_a_killed_delivery_left_is_judged_and_taken_back_by_the_next(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    node: Node,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """The commit of the killed run is the newest, and its release was never seen working."""
    assert deliver(backend="good") == 0
    good = forge.text()
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    _killed_while_waiting(deliver, monkeypatch, "bad")
    assert deliver(backend="bad") == 4
    assert re.search(r"unchanged: commit \w{10} by ann says so", said(capsys)[1])
    assert forge.messages()[0] == "Take back to backend good in test"
    assert forge.text() == good
    assert running(cluster, namespace) == reference("good")
    assert argo.synced[-1] == forge.head()


def test_what_a_killed_delivery_left_is_not_taken_for_good(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    node: Node,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert deliver(backend="good") == 0
    for name in ("killed", "bad"):
        node.states[digest(name)] = waiting("CrashLoopBackOff")
    _killed_while_waiting(deliver, monkeypatch, "killed")
    assert deliver(backend="bad") == 4
    assert forge.messages()[:3] == [
        "Take back to backend good in test",
        "Deliver backend bad to test",
        "Deliver backend killed to test",
    ]
    assert running(cluster, namespace) == reference("good")
    assert argo.synced[-1] == forge.head()


def test_a_killed_rollback_is_waited_for_and_not_refused(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert deliver(backend="one") == 0
    assert deliver(backend="two") == 0
    _killed_while_waiting(deliver, monkeypatch, None, "rollback")
    head = forge.head()
    assert forge.messages()[0] == "Roll back to backend one in test"
    assert deliver("rollback", backend=None) == 0
    assert forge.head() == head
    assert running(cluster, namespace) == reference("one")
    assert deliver("rollback", backend=None) == 3
    assert argo.synced[-1] == head


def test_a_delivery_killed_before_its_notes_is_completed_by_the_next(
    deliver: Deliver,
    forge: Forge,
    argo: Argo,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert deliver(backend="one") == 0
    with monkeypatch.context() as patched:
        patched.setattr(delivering, "note", _die)
        with pytest.raises(Killed):
            deliver(backend="two")
    assert deliver(backend="two") == 0
    assert len(forge.messages()) == 3
    assert history(cluster, namespace)[0] == ("deploy", "live", "two")
    assert deliver("rollback", backend=None) == 0
    assert running(cluster, namespace) == reference("one")
    assert argo.healed == 0


def test_a_process_that_is_killed_while_it_waits_is_followed_by_the_next(
    deliver: Deliver,
    write: Write,
    forge: Forge,
    cluster: Cluster,
    namespace: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    """Nothing is put in order: the lock is left to expire, the clone lies about."""
    command = [sys.executable, "-m", "delivery", f"--plan={write('deploy', backend='one')}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, process_group=0)
    deadline = time.monotonic() + 60
    while len(forge.messages()) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    argo = Argo(cluster, forge, tmp_path, namespace)
    argo.start()
    try:
        assert deliver(backend="one") == 0
    finally:
        argo.stop()
    assert "waiting for the delivery that holds the lock" in said(capsys)[1]
    assert forge.messages() == ["Deliver backend one to test", "a change by hand"]
    assert history(cluster, namespace) == [("deploy", "live", "one")]
    assert running(cluster, namespace) == reference("one")


def _killed_while_waiting(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, image: str | None, action: str = "deploy"
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Run, "wait", _die)
        with pytest.raises(Killed):
            deliver(action, backend=image)


def _die(*_args: object) -> None:
    raise Killed
