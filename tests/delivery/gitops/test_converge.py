"""Waiting for the cluster, in a world whose time passes at once: it ends, and ends only when all is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.follow import Hopeless
from delivery.gitops import converge as converging
from delivery.gitops.converge import converge
from delivery.modes import GitOps, Mode
from delivery.plan import Action, Plan
from delivery.service import Service
from tests.delivery.memory.client import MemoryCluster
from tests.delivery.memory.pods import image_of, ready
from tests.delivery.memory.world import DEPLOYMENTS, NS, PODS, VirtualClock, World

NAMES = ("backend", "frontend")
OLD, NEW, OTHER = "r/a@sha256:old", "r/a@sha256:new", "r/a@sha256:other"
SYNC, ROLLOUT = 20, 30
Event = tuple[float, str, str]
"""After how many seconds somebody lets a Deployment want an image."""


@pytest.fixture(scope="module", autouse=True)
def _sync_seconds() -> Iterator[None]:
    """Be less patient."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(converging, "SYNC_SECONDS", SYNC)
        yield


class Sync(VirtualClock):
    """Time in which events happen."""

    def __init__(self, cluster: MemoryCluster, events: list[Event]) -> None:
        super().__init__(cluster.world)
        self._cluster, self._events = cluster, sorted(events)

    def sleep(self, seconds: float) -> None:
        """Let what is due happen."""
        while self._events and self._events[0][0] <= self.monotonic():
            _, name, image = self._events.pop(0)
            containers = [{"name": "main", "image": image}]
            template = {"spec": {"template": {"spec": {"containers": containers}}}}
            self._cluster.request("PATCH", f"{DEPLOYMENTS}/{name}", template)
        super().sleep(seconds)


def cluster_with(*names: str) -> MemoryCluster:
    """Give a cluster in which Deployments run the old image."""
    cluster = MemoryCluster(World())
    for name in names:
        labels = {"app": name}
        pod = {"containers": [{"name": "main", "image": OLD}]}
        spec = {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        }
        cluster.request("POST", DEPLOYMENTS, {"metadata": {"name": name}, "spec": spec})
    cluster.world.pass_time(5)
    return cluster


def plan_of(*names: str, after: bool = False) -> Plan:
    """Give a plan of services, each after the one before it if wanted."""
    waits = dict(zip(names[1:], names, strict=False)) if after else {}
    services = tuple(
        Service(name, NEW, "/health", "new", after=(waits[name],) if name in waits else ())
        for name in names
    )
    where = GitOps("/nowhere", "main", "folder")
    return Plan(
        Action.DEPLOY,
        "test",
        NS,
        Path(),
        ROLLOUT,
        None,
        "r",
        services,
        mode=Mode.GITOPS,
        gitops=where,
    )


def wait(cluster: MemoryCluster, events: list[Event], *names: str, after: bool = False) -> float:
    """Wait for the new image everywhere; return how long it took."""
    begun = cluster.world.seconds
    clock = Sync(cluster, [(begun + at, name, image) for at, name, image in events])
    plan = plan_of(*names, after=after)
    converge(cluster, plan, dict.fromkeys(names, NEW), _free, _free, clock)
    return cluster.world.seconds - begun


def images(cluster: MemoryCluster) -> list[str]:
    """List the images of the pods that are ready."""
    return [image_of(pod) for pod in cluster.world.store.list(PODS) if ready(pod)]


def test_it_ends_when_every_deployment_is_rolled_out() -> None:
    cluster = cluster_with(*NAMES)
    seconds = wait(cluster, [(3, "backend", NEW), (7, "frontend", NEW)], *NAMES)
    assert 7 <= seconds < 15
    assert images(cluster) == [NEW] * 4


def test_what_nobody_brings_to_the_cluster_is_given_up() -> None:
    cluster = cluster_with(*NAMES)
    with pytest.raises(Hopeless, match=r"frontend: nobody brought .* for 2\d seconds"):
        wait(cluster, [(3, "backend", NEW)], *NAMES)


def test_a_wave_that_waits_for_the_rollout_before_has_its_own_time() -> None:
    cluster = cluster_with(*NAMES)
    events = [(15, "backend", NEW), (33, "frontend", NEW)]
    assert wait(cluster, events, *NAMES, after=True) > SYNC


def test_a_release_that_crashes_is_given_up_at_once() -> None:
    cluster = cluster_with("backend")
    cluster.world.broken = {NEW}
    begun = cluster.world.seconds
    with pytest.raises(Hopeless, match="CrashLoopBackOff"):
        wait(cluster, [(3, "backend", NEW)], "backend")
    assert cluster.world.seconds - begun < 8


def test_what_is_turned_back_meanwhile_is_not_taken_for_done() -> None:
    cluster = cluster_with(*NAMES)
    events = [
        (1, "backend", NEW),
        (6, "backend", OTHER),
        (8, "frontend", NEW),
        (12, "backend", NEW),
    ]
    assert wait(cluster, events, *NAMES) >= 12
    assert images(cluster) == [NEW] * 4


def test_turning_back_and_forth_ends_too() -> None:
    cluster = cluster_with(*NAMES)
    events = [(at, "backend", NEW if at % 20 else OLD) for at in range(0, 1000, 10)]
    with pytest.raises(Hopeless, match="nobody brought"):
        wait(cluster, events, *NAMES)
    assert cluster.world.seconds < 2 * (SYNC + ROLLOUT)


EVENTS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(NAMES), st.sampled_from([OLD, NEW, OTHER])),
    max_size=8,
)


@given(EVENTS, st.booleans())
def test_whatever_happens_it_ends_and_believes_only_what_is_there(
    events: list[Event], broken: bool
) -> None:
    cluster = cluster_with(*NAMES)
    cluster.world.broken = {NEW} if broken else set()
    begun, why = cluster.world.seconds, ""
    try:
        wait(cluster, events, *NAMES)
    except Hopeless as hopeless:
        why = str(hopeless)
    if why:
        assert broken or "nobody brought" in why
    else:
        assert not broken
        assert images(cluster) == [NEW] * 4
    assert cluster.world.seconds - begun <= SYNC + ROLLOUT + 10


def _free() -> None:
    """Hold no lock, and be overtaken by nobody."""
