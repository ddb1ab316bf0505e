"""Blue-green under everything at once: deployers that overtake each other, die, and are lied to.

Hypothesis makes the interleavings, one API request at a time. The invariants are asked after every write,
after every tick and after every rule; in the end a last deployer has to get the lock and deliver.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from delivery import lease
from delivery.bluegreen.colours import LABEL, selected
from delivery.bluegreen.deliver import deliver
from delivery.bluegreen.record import Standing
from delivery.bluegreen.verbs import abort, leave, promote, rollback, tidy
from delivery.gate import Result, Stage, Subject
from delivery.strategy import Options, Promote
from tests.delivery.bluegreen import invariants
from tests.delivery.bluegreen.shop import NAME, Scripted, Shop, application
from tests.delivery.bluegreen.turns import Deployer
from tests.delivery.memory.pods import image_of, ready
from tests.delivery.memory.world import DEPLOYMENTS, NS, PODS, SERVICES

EXAMPLES = int(os.environ.get("DELIVERY_EXAMPLES", "60"))
STEPS = 40
LAST_REQUESTS = 4000
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NS}/leases/{lease.name_of(NAME)}"
OPTIONS = Options(watch_seconds=2, standby_seconds=20, preview_seconds=30)
HELD = Options(watch_seconds=2, standby_seconds=20, preview_seconds=30, promote=Promote.MANUAL)


def _fails(stage: Stage) -> Scripted:
    def results(subject: Subject) -> Result:
        return Result.FAIL if subject.stage is stage else Result.PASS

    return Scripted(results)


class Interleavings(RuleBasedStateMachine):
    """The rules."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.shop.world.broken |= {"crash-1", "crash-2"}
        self.deployers: list[Deployer] = []
        self.count = 0

    @initialize(begin=st.sampled_from(["plain", "one", "two"]))
    def begin(self, begin: str) -> None:
        """Begin with a plain Deployment, one release, or two."""
        if begin == "plain":
            self.shop.plain("old")
            return
        self.shop.deliver(application("one"))
        if begin == "two":
            self.shop.deliver(application("two"))

    @precondition(lambda self: len(self.alive) < 3)
    @rule(
        image=st.sampled_from(["one", "two", "three", "crash-1", "crash-2"]),
        gate=st.sampled_from(["none", "none", "preview", "live"]),
        options=st.sampled_from([OPTIONS, OPTIONS, HELD]),
        barrier=st.sampled_from(["", "", "", "a migration"]),
    )
    def deploy(self, image: str, gate: str, options: Options, barrier: str) -> None:
        """Start a deployer that delivers."""
        app = application(
            image,
            options=options,
            barrier=barrier,
            preview=(_fails(Stage.PREVIEW),) if gate == "preview" else (),
            live=(_fails(Stage.LIVE),) if gate == "live" else (),
        )
        self._start(app, lambda machine: deliver([machine]))

    @precondition(lambda self: len(self.alive) < 3)
    @rule(verb=st.sampled_from(["rollback", "tidy", "abort", "promote", "exit"]))
    def do(self, verb: str) -> None:
        """Start a deployer that does something else."""
        acts = {
            "rollback": lambda machine: rollback([machine], "asked for"),
            "tidy": lambda machine: tidy([machine]),
            "abort": lambda machine: abort([machine], "asked for"),
            "promote": lambda machine: promote([machine]),
            "exit": leave,
        }
        self._start(application(options=OPTIONS), acts[verb])

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), requests=st.sampled_from([1, 2, 3, 8, 20, 60, 200]))
    def go(self, data: st.DataObject, requests: int) -> None:
        """Let a deployer go on."""
        data.draw(st.sampled_from(self.alive)).go(requests)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """Kill a deployer."""
        data.draw(st.sampled_from(self.alive)).kill()

    @precondition(lambda self: self.alive)
    @rule(
        data=st.data(),
        status=st.sampled_from([0, 409, 429, 500, 503]),
        carried_out=st.booleans(),
    )
    def refuse(self, data: st.DataObject, status: int, carried_out: bool) -> None:
        """Let the API server refuse a write, or carry it out and lose the answer."""
        data.draw(st.sampled_from(self.alive)).fail_next(status, carried_out=carried_out)

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), status=st.sampled_from([0, 429, 500]), times=st.sampled_from([1, 4, 12]))
    def deafen(self, data: st.DataObject, status: int, times: int) -> None:
        """Let the API server refuse to tell anything for a while."""
        data.draw(st.sampled_from(self.alive)).be_deaf(status, times)

    @precondition(lambda self: LEASE in self.shop.world.store.objects)
    @rule()
    def steal(self) -> None:
        """Let somebody else hold the lock, whoever holds it, and never renew it."""
        thief = {"spec": {"holderIdentity": "a thief"}}
        self.shop.world.store.merge(LEASE, thief, "a thief")

    @precondition(lambda self: not self.alive)
    @rule()
    def meddle(self) -> None:
        """Let a person send users to the other colour by hand, where that is at work."""
        store = self.shop.world.store
        service = store.objects.get(f"{SERVICES}/{NAME}")
        colour = selected(service) if service else None
        if colour is None:
            return
        wanted = {**service["spec"]["selector"], LABEL: str(colour.other)}
        pods = [pod for pod in store.list(PODS, wanted) if ready(pod)]
        if len({image_of(pod) for pod in pods}) == 1:
            body = {"spec": {"selector": {LABEL: str(colour.other)}}}
            store.merge(f"{SERVICES}/{NAME}", body, "a person")
            self.shop.world.tick()

    @rule(seconds=st.sampled_from([0.3, 3.0, 16.0, 40.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass; locks expire, windows end."""
        self.shop.world.pass_time(seconds)

    @rule(ticks=st.integers(1, 12))
    def lag(self, ticks: int) -> None:
        """Let the slices lag."""
        self.shop.world.slices_lag = ticks

    @rule(data=st.data(), ticks=st.integers(1, 5))
    def flap(self, data: st.DataObject, ticks: int) -> None:
        """Make a pod unready for a while, where another of its Deployment is ready."""
        if self.shop.world.flapping:
            return
        pods = [pod for pod in self.shop.world.store.list(PODS) if ready(pod)]
        owners = [pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods]
        able = [pod for pod, owner in zip(pods, owners, strict=True) if owners.count(owner) > 1]
        if able:
            name = data.draw(st.sampled_from([pod["metadata"]["name"] for pod in able]))
            self.shop.world.flapping[name] = ticks
            self.shop.world.tick()

    @rule(data=st.data(), replicas=st.integers(2, 4))
    def autoscale(self, data: st.DataObject, replicas: int) -> None:
        """Let an autoscaler change a Deployment that has pods."""
        found = self.shop.world.store.list(DEPLOYMENTS)
        able = [each["metadata"]["name"] for each in found if each["spec"]["replicas"]]
        if able:
            path = f"{DEPLOYMENTS}/{data.draw(st.sampled_from(able))}"
            self.shop.world.store.merge(path, {"spec": {"replicas": replicas}}, "autoscaler")

    def check_invariants(self, *args: object, **kwargs: object) -> None:
        """Ask the invariants after every rule."""
        super().check_invariants(*args, **kwargs)  # type: ignore[no-untyped-call]
        invariants.check(self.shop)

    def teardown(self) -> None:
        """Kill whoever is left; a last deployer finishes whatever they left."""
        for deployer in self.alive:
            deployer.kill()
        last = self._start(application("last", options=OPTIONS), lambda m: deliver([m]))
        last.go(LAST_REQUESTS)
        if not last.ended:
            last.kill()
        assert last.outcome in ("done: live", "done: unchanged"), last.outcome
        invariants.check(self.shop)
        assert self.shop.users_reach() == {"last"}
        record = self.shop.machine(application()).look().facts.record
        assert record is not None
        assert record.standing is Standing.SETTLED

    @property
    def alive(self) -> list[Deployer]:
        """List the deployers that have not ended."""
        return [each for each in self.deployers if not each.ended]

    def _start(self, app: object, act: object) -> Deployer:
        self.count += 1
        deployer = Deployer(self.shop, f"{NAME}-{self.count}", app, act)  # type: ignore[arg-type]
        self.deployers.append(deployer)
        return deployer


Interleavings.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
TestInterleavings = Interleavings.TestCase
