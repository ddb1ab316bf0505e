"""The application that the tests deliver: what the manifests say of it, and runs that deliver it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from delivery.bluegreen.application import Application
from delivery.bluegreen.deliver import deliver
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.record import Phase, Release
from delivery.bluegreen.writer import Writer
from delivery.cluster import Cluster, Obj
from delivery.gate import Gate, Policy, Result, Subject, Verdict
from delivery.strategy import Options
from tests.delivery.memory import MemoryCluster, VirtualClock, World
from tests.delivery.memory.pods import ready
from tests.delivery.memory.world import DEPLOYMENTS, NS, PODS, SERVICES, SLICES

NAME = "shop"
LABELS = {"app.kubernetes.io/name": NAME}
REPLICAS = 2


@dataclass(frozen=True)
class Scripted:
    """A gate that says what the test wants of an image's colour."""

    results: Callable[[Subject], Result] = lambda _subject: Result.PASS
    name: str = "scripted"
    policy: Policy = field(default_factory=Policy)

    def judge(self, _cluster: Cluster, subject: Subject, _alive: Callable[[], None]) -> Verdict:
        """Say it."""
        return Verdict(self.name, self.results(subject), f"{subject.stage} of {subject.colour}")


def deployment(image: str, replicas: int | None = REPLICAS) -> Obj:
    """Render the Deployment."""
    spread = {"maxSkew": 1, "labelSelector": {"matchLabels": dict(LABELS)}}
    container = {"name": "main", "image": image, "ports": [{"name": "http", "containerPort": 8000}]}
    made: Obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NS, "labels": dict(LABELS)},
        "spec": {
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": dict(LABELS)},
            "template": {
                "metadata": {"labels": dict(LABELS)},
                "spec": {"containers": [container], "topologySpreadConstraints": [spread]},
            },
        },
    }
    if replicas is not None:
        made["spec"]["replicas"] = replicas
    return made


def service() -> Obj:
    """Render the Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": NS, "labels": dict(LABELS)},
        "spec": {
            "selector": dict(LABELS),
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    }


def release(image: str, replicas: int | None = REPLICAS, barrier: str = "") -> Release:
    """Say what shall be live."""
    return Release(
        id="",
        digest=f"digest-of-{image}",
        version=image,
        revision="abc",
        image=image,
        phase=Phase.PREPARING,
        since="",
        selector={},
        replicas=replicas,
        barrier=barrier,
    )


def application(
    image: str = "",
    *,
    replicas: int | None = REPLICAS,
    barrier: str = "",
    options: Options | None = None,
    preview: tuple[Gate, ...] = (),
    live: tuple[Gate, ...] = (),
) -> Application:
    """Make the application; without an image nothing new is delivered."""
    return Application(
        name=NAME,
        namespace=NS,
        health="/health",
        options=options or Options(watch_seconds=3),
        rollout_seconds=60,
        deployment=deployment(image, replicas) if image else None,
        service=service() if image else None,
        release=release(image, replicas, barrier) if image else None,
        preview_gates=preview,
        live_gates=live,
    )


class Shop:
    """A world with the application in it, and its one client."""

    def __init__(self) -> None:
        self.world = World()
        self.cluster = MemoryCluster(self.world)
        self.runs = 0

    def machine(self, app: Application, cluster: MemoryCluster | None = None) -> Machine:
        """Make the machine of a new run."""
        self.runs += 1
        writer = Writer(cluster or self.cluster, self.clock(), app, f"run-{self.runs}")
        return Machine(writer, lambda: None)

    def clock(self) -> VirtualClock:
        """Give the time that machines go by."""
        return VirtualClock(self.world)

    def deliver(self, app: Application) -> str:
        """Deliver the application in a run of its own."""
        return deliver([self.machine(app)])

    def plain(self, image: str) -> None:
        """Deploy the application without colours, as somebody else would."""
        store, now = self.world.store, self.world.now
        store.apply(f"{DEPLOYMENTS}/{NAME}", deployment(image), "kubectl", now, force=True)
        store.apply(f"{SERVICES}/{NAME}", service(), "kubectl", now, force=True)
        self.world.pass_time(3)

    def users_reach(self) -> set[str]:
        """List the images that the active Service's selector leads to, by ready pods."""
        return {x["spec"]["containers"][0]["image"] for x in self.world.ready_behind(NAME)}

    def routed(self) -> set[str] | None:
        """List the ready pods that the active Service's slices send users to; None before there are any."""
        found = self.world.store.objects.get(f"{SLICES}/{NAME}-slice")
        if found is None or not found["endpoints"]:
            return None
        names = {each["targetRef"]["name"] for each in found["endpoints"]}
        return {
            pod["metadata"]["name"]
            for pod in self.world.store.list(PODS)
            if pod["metadata"]["name"] in names and ready(pod)
        }

    def replicas(self) -> dict[str, int]:
        """List how many pods each Deployment wants."""
        found = self.world.store.list(DEPLOYMENTS)
        return {each["metadata"]["name"]: each["spec"]["replicas"] for each in found}

    def ready(self) -> int:
        """Count the ready pods that users reach."""
        return sum(map(ready, self.world.ready_behind(NAME)))
