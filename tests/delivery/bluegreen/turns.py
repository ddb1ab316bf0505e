"""Deployers that go on only when the test says so: one request at a time, so that any interleaving can be made."""

import threading
from collections.abc import Callable

from delivery import lease
from delivery.bluegreen.application import Application
from delivery.bluegreen.machine import Machine
from delivery.bluegreen.writer import Writer
from delivery.cluster import ApiError
from delivery.errors import DeliveryError
from tests.delivery.bluegreen import invariants
from tests.delivery.bluegreen.shop import NAME, Shop
from tests.delivery.memory import Killed, MemoryCluster, VirtualClock
from tests.delivery.memory.store import RefusalError
from tests.delivery.memory.world import NS

PATIENCE_SECONDS = 600.0
HANG_SECONDS = 30.0


class Deployer:
    """One process that delivers, in a thread that stands still between its requests."""

    def __init__(
        self, shop: Shop, name: str, app: Application, act: Callable[[Machine], object]
    ) -> None:
        self.name, self.outcome = name, ""
        self._shop, self._app, self._act = shop, app, act
        self._cluster = MemoryCluster(shop.world)
        self._cluster.before, self._cluster.after = self._before, self._after
        self._clock = _OwnClock(shop, self)
        self._turn = threading.Condition()
        self._allowed, self._standing, self._killed = 0, False, False
        self._faults: list[tuple[int, bool]] = []
        self._deaf: list[int] = []
        self._tended = 0.0
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()
        self._until_it_stands()

    @property
    def ended(self) -> bool:
        """Tell whether it came to its end."""
        return bool(self.outcome)

    def go(self, requests: int) -> None:
        """Let it make some requests."""
        with self._turn:
            self._allowed += requests
            self._turn.notify_all()
        self._until_it_stands()

    def fail_next(self, status: int, *, carried_out: bool) -> None:
        """Let the API server refuse its next write, or lose the answer after carrying it out."""
        self._faults.append((status, carried_out))

    def be_deaf(self, status: int, times: int) -> None:
        """Let the API server refuse its next questions."""
        self._deaf += [status] * times

    def kill(self) -> None:
        """End it as kill -9 does."""
        with self._turn:
            self._killed = True
            self._turn.notify_all()
        self._thread.join(HANG_SECONDS)
        assert self.ended

    def _until_it_stands(self) -> None:
        with self._turn:
            stood = self._turn.wait_for(
                lambda: self.outcome or (self._standing and not self._allowed), HANG_SECONDS
            )
            assert stood, f"{self.name} hangs"
        if self._broken is not None:
            raise self._broken

    def stand(self) -> None:
        """Wait for the next turn; called in the deployer's own thread."""
        with self._turn:
            self._standing = True
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._allowed > 0 or self._killed)
            self._standing = False
            if self._killed:
                raise Killed
            self._allowed -= 1

    def _before(self, method: str, path: str) -> None:
        self.stand()
        if method == "GET" and self._deaf:
            raise RefusalError(self._deaf.pop(), f"{method} {path}: not now")
        if method != "GET" and self._faults and not self._faults[0][1]:
            raise RefusalError(self._faults.pop(0)[0], f"{method} {path}: not now")

    def _after(self, method: str, path: str) -> None:
        if method == "GET":
            return
        invariants.check(self._shop)
        if self._faults and self._faults[0][1]:
            raise RefusalError(self._faults.pop(0)[0], f"{method} {path}: the answer was lost")

    def _work(self) -> None:
        outcome = "broken"
        try:
            outcome = self._deliver()
        except (DeliveryError, ApiError) as error:
            outcome = f"{type(error).__name__}: {error}"
        except Killed:
            outcome = "killed"
        except BaseException as error:  # noqa: BLE001  the test's thread raises it
            self._broken = error
        with self._turn:
            self.outcome = outcome
            self._turn.notify_all()

    def _deliver(self) -> str:
        held = lease.taken(
            self._cluster, NS, self.name, PATIENCE_SECONDS, lease.name_of(NAME), self._clock
        )
        try:
            writer = Writer(self._cluster, self._clock, self._app, self.name)
            return f"done: {self._act(Machine(writer, lambda: self._alive(held)))}"
        finally:
            held.release()

    def _alive(self, held: lease.Lease) -> None:
        if self._clock.monotonic() - self._tended > lease.RENEW_SECONDS:
            self._tended = self._clock.monotonic()
            held.tend()
        held.still_held()


class _OwnClock(VirtualClock):
    """The world's time; sleeping takes a turn, and lets the world go on meanwhile."""

    def __init__(self, shop: Shop, deployer: Deployer) -> None:
        super().__init__(shop.world)
        self._deployer = deployer
        self._shop = shop

    def sleep(self, seconds: float) -> None:
        """Take a turn."""
        self._deployer.stand()
        self._shop.world.pass_time(seconds)
        invariants.check(self._shop)
