"""A private Drydock machine with the bench's images, and deliveries to it by the program itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.workplace import CHECKOUT, Workplace
from tools.bench.releases.manifests import NAMESPACE, overlay

BEHAVIOURS = {
    "one": "good",
    "two": "good",
    "three": "good",
    "crash": "crash",
    "errors": "errors",
    "slow": "slow",
    "late": "late",
}
PROMISE = {"path": "/", "success": 99.0, "latency": {"percent": 95, "milliseconds": 500}}
GATES = {
    "preview": [{"kind": "requests", **PROMISE, "rate": 50, "seconds": 3}, {"kind": "restarts"}],
    "live": [{"kind": "requests", **PROMISE, "rate": 25, "seconds": 1}, {"kind": "restarts"}],
}


@dataclass(frozen=True)
class Delivered:
    """A finished delivery: exit code, when it began (monotonic), how long it took, what it told."""

    code: int
    begun: float
    seconds: float
    told: str


class Stage:
    """Where the bench delivers to."""

    def __init__(self, place: Workplace, images: dict[str, str]) -> None:
        self._place, self._images = place, images
        self._overlay = overlay(place.root / "overlay")
        kubeconfig = place.root / "config" / "drydock" / "kubeconfig"
        place.environ |= {"KUBECONFIG": str(kubeconfig), "PYTHONPATH": str(CHECKOUT)}

    @property
    def port(self) -> int:
        """The ingress'."""
        return self._place.ports["ingress"]

    def act(self, action: str, name: str, version: str, strategy: str, **more: object) -> Delivered:
        """Carry out a plan for one service."""
        service = {
            "name": name,
            "image": self._images[version],
            "health": "/health",
            "version": version,
            "strategy": strategy,
            **more,
        }
        plan = {
            "version": 1,
            "action": action,
            "environment": "bench",
            "namespace": NAMESPACE,
            "overlay": str(self._overlay),
            "rollout_seconds": 60,
            "revision": version,
            "who": "bench",
            "services": [service],
        }
        path = self._place.root / "plan.json"
        path.write_text(json.dumps(plan))
        python = str(CHECKOUT / ".venv" / "bin" / "python")
        begun = time.monotonic()
        done = self._place.run(python, "-m", "delivery", f"--plan={path}", cwd=self._place.root)
        return Delivered(done.code, begun, time.monotonic() - begun, done.text)

    def must(
        self, action: str, name: str, version: str, strategy: str, **more: object
    ) -> Delivered:
        """Carry out a plan that has to succeed."""
        done = self.act(action, name, version, strategy, **more)
        if done.code:
            raise SystemExit(f"{action} of {name} {version} ended with {done.code}:\n{done.told}")
        return done


@contextmanager
def staged(root: Path) -> Iterator[Stage]:
    """Start a machine of its own and push the images; stop it afterwards."""
    place = Workplace.make(root)
    home = root / "home"
    home.mkdir()
    bin_ = CHECKOUT / ".venv" / "bin"
    drydock = str(bin_ / "drydock")
    place.environ |= {"_EXPERIMENTAL_DAGGER_CLI_BIN": drydock}
    place.environ["PATH"] = f"{bin_}:{place.environ['PATH']}"
    started = place.run(drydock, "start", cwd=home)
    if started.code:
        raise SystemExit(started.text)
    try:
        script = str(Path(__file__).with_name("images.py"))
        repository = f"127.0.0.1:{place.ports['registry']}/bench/server"
        wanted = [f"{version}:{behaviour}" for version, behaviour in BEHAVIOURS.items()]
        pushed = place.run(str(bin_ / "python"), script, repository, *wanted, cwd=home)
        if pushed.code:
            raise SystemExit(pushed.text)
        yield Stage(place, json.loads(pushed.stdout.splitlines()[-1]))
    finally:
        place.run(drydock, "stop", cwd=home)
