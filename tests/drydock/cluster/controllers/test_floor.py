"""The availability floor of rolling updates while ReplicaSets act and report late.

The Deployment controller is the real one, on the real API. The test plays the ReplicaSets and their
pods by hand, so it decides who acts when, and it counts the pods itself: statuses may lag.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from drydock.cluster.api import Api
from drydock.cluster.client import ApiError, InProcessClient
from drydock.cluster.controllers.deployment import DeploymentController
from drydock.cluster.controllers.deployment.rollout import Bounds, Size, old_sizes
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.errors import Obj
from drydock.cluster.store import Store

DEPLOYMENT, SETS = "apps/v1/Deployment", "apps/v1/ReplicaSet"
KEY = ("room", "web")
AMOUNTS = st.one_of(st.integers(0, 6), st.integers(0, 100).map(lambda part: f"{part}%"))
ACTIONS = ("deploy", "act", "report", "ready", "undo")


def image_of(one: Obj) -> str:
    return str(one["spec"]["template"]["spec"]["containers"][0]["image"])


@dataclass
class PlayedSet:
    """The pods of one ReplicaSet, and a status that was counted but not yet written."""

    pods: int = 0
    available: int = 0
    unsent: Obj | None = field(default=None)


class Stage:
    """One Deployment whose every actor moves only when told to."""

    def __init__(self, client: InProcessClient) -> None:
        self.client = client
        self.cache = Cache(client)
        self.controller = DeploymentController(client, self.cache)
        self.played: dict[str, PlayedSet] = {}
        self.image = "img:1"
        self.replicas = 0

    @property
    def available(self) -> int:
        return sum(one.available for one in self.played.values())

    @property
    def sizes(self) -> dict[str, int]:
        """Return what the ReplicaSets are asked for, by image; empty ones are left out."""
        found = {image_of(one): one["spec"]["replicas"] for one in self.cache[SETS].items()}
        return {image: size for image, size in found.items() if size}

    async def open(self, replicas: int, surge: int | str, unavailable: int | str) -> Bounds:
        self.replicas = replicas
        rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
        containers = [{"name": "app", "image": self.image}]
        made = await self.client.create(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web", "namespace": "room"},
                "spec": {
                    "replicas": replicas,
                    "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
                    "selector": {"matchLabels": {"app": "web"}},
                    "template": {
                        "metadata": {"labels": {"app": "web"}},
                        "spec": {"containers": containers},
                    },
                },
            }
        )
        self.cache[DEPLOYMENT].observe(made)
        return Bounds.of(made)

    async def to_image(self, image: str) -> None:
        self.image = image
        containers = [{"name": "app", "image": image}]
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        self.cache[DEPLOYMENT].observe(await self.client.patch(DEPLOYMENT, *KEY, change))

    async def step(self, action: str, at: int) -> None:
        """Let one actor do one thing; `at` picks the ReplicaSet."""
        if action == "deploy":
            await self.controller.sync(KEY)
        elif action == "undo":
            await self.to_image("img:1" if self.image == "img:2" else "img:2")
        elif sets := sorted(self.cache[SETS].items(), key=image_of):
            one = sets[at % len(sets)]
            played = self.played.setdefault(one["metadata"]["name"], PlayedSet())
            if action == "act":
                self.act(one, played)
            elif action == "report":
                await self.report(played)
            else:
                played.available = min(played.pods, played.available + 1)

    def act(self, one: Obj, played: PlayedSet) -> None:
        """Create or delete pods, those that are not available first, and count what is left."""
        played.pods = one["spec"]["replicas"]
        played.available = min(played.available, played.pods)
        status = {
            "replicas": played.pods,
            "readyReplicas": played.available,
            "availableReplicas": played.available,
            "observedGeneration": one["metadata"]["generation"],
        }
        played.unsent = {**one, "status": status}

    async def report(self, played: PlayedSet) -> None:
        """Write the counted status, unless the ReplicaSet has changed since."""
        unsent, played.unsent = played.unsent, None
        if unsent is None:
            return
        with suppress(ApiError):  # 409: somebody changed it in between
            self.cache[SETS].observe(await self.client.update(unsent, subresource="status"))

    async def settle(self) -> None:
        """Let everybody act in good order until every pod is of the wanted image and available."""
        for _ in range(100):
            if self.sizes == {self.image: self.replicas} and self.available == self.replicas:
                return
            await self.step("deploy", 0)
            for at in range(len(self.cache[SETS].items())):
                for action in ("act", "ready", "act", "report"):
                    await self.step(action, at)


async def play(
    replicas: int, surge: int | str, unavailable: int | str, steps: list[tuple[str, int]]
) -> None:
    store = Store()
    client = Api(store).client("test")
    name = {"name": "room"}
    await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": name})
    stage = Stage(client)
    bounds = await stage.open(replicas, surge, unavailable)
    await stage.settle()
    assert stage.available == replicas
    await stage.to_image("img:2")
    for action, at in steps:
        await stage.step(action, at)
        assert stage.available >= bounds.floor, (action, at)
        assert sum(stage.sizes.values()) <= bounds.ceiling
    await stage.settle()
    assert stage.sizes == {stage.image: replicas}
    store.close()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 10),
    st.one_of(st.integers(1, 6), st.integers(1, 100).map(lambda part: f"{part}%")),
    AMOUNTS,
    st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1)), max_size=60),
)
def test_no_order_of_events_takes_an_update_below_its_floor(replicas, surge, unavailable, steps):
    """However late ReplicaSets act and report, and whoever undoes, the floor and ceiling hold."""
    asyncio.run(play(replicas, surge, unavailable, steps))


def moves(text: str) -> list[tuple[str, int]]:
    """Read moves: `a1` lets the ReplicaSet of the second image act, `r` report, `+` become ready."""
    names = {"d": "deploy", "a": "act", "r": "report", "+": "ready", "u": "undo"}
    return [(names[word[0]], int(word[1:] or 0)) for word in text.split()]


def test_a_set_that_still_reports_its_doomed_pods_is_not_shrunk_again():
    """Of ten, after 10 to 8, the status of ten available must not pay for a further step."""
    late = "d a1 r1 d d a1 +1 +1 a1 r1 d d a0"
    asyncio.run(play(10, "25%", "25%", moves(late)))


def test_a_size_that_went_down_and_up_again_waits_for_its_count():
    """A status from before 5, 3, 5 says five available, though three are left: it frees nothing."""
    half = "d a1 r1 d a0 r0 d a1 +1 +1 +1 +1 +1 a1 r1 d a0 r0 d"
    back = "u d a1 r1 d a0 +0 +0 a0 r0 d a1"
    forth = "u d d d a0"
    asyncio.run(play(10, "25%", "25%", moves(f"{half} {back} {forth}")))


@given(
    st.integers(1, 30),
    st.integers(0, 8),
    st.integers(0, 8),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=4),
    st.integers(0, 30),
    st.integers(0, 40),
)
def test_one_step_never_frees_more_than_is_there(replicas, surge, unavailable, olds, new, ready):
    """Even when every set reports more available pods than it is asked for, the floor holds."""
    bounds = Bounds(replicas, surge, min(unavailable, replicas))
    sizes = [Size(f"old{at}", asked, asked + extra) for at, (asked, extra) in enumerate(olds)]
    fresh = Size("new", new, ready)
    steps = old_sizes(bounds, fresh, sizes)
    before = sum(min(one.replicas, one.available) for one in [*sizes, fresh])
    after = before - sum(one.replicas - steps[one.name] for one in sizes if one.name in steps)
    assert all(steps[one.name] >= 0 for one in sizes if one.name in steps)
    assert after >= min(before, bounds.floor)
