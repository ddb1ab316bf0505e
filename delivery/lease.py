"""The locks: a Lease per environment and one per service, so that deliveries take turns.

Held with an expiry and renewed while a delivery works. A job that was killed stops renewing, so it
blocks for no longer than `DURATION_SECONDS`. Expiry is judged by watching, not by comparing clocks
of two machines: a lease that was not renewed while we watched it that long is free.

Whoever could not renew for `SURE_SECONDS` does nothing more until it has. So between the last thing that it
began and the first thing of a successor lies the rest of the duration; a renewal counts from before it was sent.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from delivery.clock import CLOCK, Clock
from delivery.cluster import CONFLICT, NOT_FOUND, ApiError, Cluster, Obj, passing
from delivery.errors import PreflightError, Stopped
from delivery.follow import DEAF_SECONDS
from delivery.progress import say

NAME = "shipyard-delivery"
DURATION_SECONDS = 15
SURE_SECONDS = 10.0
"""How long after a renewal its holder relies on it; client-go gives up then, this one waits and asks."""
RENEW_SECONDS = 4.0
RENEW_AGAIN_SECONDS = 1.0
"""After a renewal that failed."""
REQUEST_SECONDS = 3.0
"""A silence this long is tried anew: two of them fit between a renewal and `SURE_SECONDS`."""
LOOK_SECONDS = 0.5


class Lease:
    """A held lock; `since` is when the request that took it was sent."""

    def __init__(
        self, cluster: Cluster, path: str, wanted: Obj, since: float, clock: Clock = CLOCK
    ) -> None:
        self._cluster, self._path, self._clock = cluster, path, clock
        self._ours = _claim(wanted)
        self._asking = threading.Lock()
        self._ended = threading.Event()
        self._lost = ""
        self._renewed = since
        self._renewal = threading.Thread(target=self._renew, name="lease", daemon=True)

    def still_held(self) -> None:
        """Come back only while the lock is surely held; raise Stopped when another has it, or nobody can tell.

        After a silence of the API server, or when the process stood still, the lock itself is asked: nobody
        may have wanted it.
        """
        while not self._lost and self._age() > SURE_SECONDS:
            self.tend()
            if not self._lost and self._age() > SURE_SECONDS:
                self._clock.sleep(LOOK_SECONDS)
        if self._lost:
            raise Stopped(
                f"the lock was lost: {self._lost}. Another delivery may be at work, so this one stopped"
                " where it was and put nothing back. Look with the action status, then run it again"
            )

    def start(self) -> None:
        """Begin to renew."""
        self._renewal.start()

    def release(self) -> None:
        """Stop renewing and give the lock back; the next one need not wait for the expiry."""
        self._ended.set()
        if self._renewal.is_alive():
            self._renewal.join()
        if self._lost:
            return
        try:
            found = self._cluster.request("GET", self._path)
            if _claim(found) == self._ours:
                found["spec"]["holderIdentity"] = ""
                self._cluster.request("PUT", self._path, found)
        except ApiError as error:
            say(f"the lock could not be given back, it expires by itself: {error}")

    def tend(self) -> bool:
        """Renew once and tell whether that worked; take note when the lock is lost."""
        with self._asking:
            try:
                found = self._cluster.request("GET", self._path, seconds=REQUEST_SECONDS)
                if _claim(found) != self._ours:
                    self._lost = f"{_holder_of(found) or 'nobody'!r} holds it"
                    return False
                found["spec"]["renewTime"] = _now(self._clock)
                sent = self._clock.monotonic()
                self._cluster.request("PUT", self._path, found, seconds=REQUEST_SECONDS)
                self._renewed = sent
            except ApiError as error:
                if error.status == NOT_FOUND:
                    self._lost = "somebody deleted it"
                elif self._age() > DEAF_SECONDS:
                    self._lost = f"it was not renewed for {DEAF_SECONDS:.0f} s: {error}"
                return False
            return True

    def _age(self) -> float:
        return self._clock.monotonic() - self._renewed

    def _renew(self) -> None:
        pause = RENEW_SECONDS
        while not self._lost and not self._ended.wait(pause):
            pause = RENEW_SECONDS if self.tend() else RENEW_AGAIN_SECONDS


@contextmanager
def locked(
    cluster: Cluster, namespace: str, holder: str, patience: float, name: str = NAME
) -> Iterator[Lease]:
    """Hold a lock; wait for it up to `patience` seconds, else PreflightError."""
    lease = taken(cluster, namespace, holder, patience, name)
    lease.start()
    try:
        yield lease
    finally:
        lease.release()


@contextmanager
def all_locked(
    cluster: Cluster, namespace: str, holder: str, patience: float, names: Iterable[str]
) -> Iterator[Callable[[], None]]:
    """Hold several locks, always taken in the same order; give what raises when one is lost."""
    with ExitStack() as stack:
        leases = [
            stack.enter_context(locked(cluster, namespace, holder, patience, name))
            for name in sorted(names)
        ]

        def still_held() -> None:
            for lease in leases:
                lease.still_held()

        yield still_held


def name_of(application: str) -> str:
    """Name the lock of a service; it sorts after that of the environment."""
    return f"{NAME}-{application}"


def taken(
    cluster: Cluster,
    namespace: str,
    holder: str,
    patience: float,
    name: str = NAME,
    clock: Clock = CLOCK,
) -> Lease:
    """Take a lock without beginning to renew it."""
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    begun = clock.monotonic()
    seen_version, seen_at, told = "", begun, False
    while True:
        found = _look(cluster, f"{folder}/{name}")
        same = found is not None and found["metadata"]["resourceVersion"] == seen_version
        expired = same and clock.monotonic() - seen_at > DURATION_SECONDS
        wanted, sent = _lease(name, holder, _now(clock)), clock.monotonic()
        if _written(cluster, folder, found, wanted, expired=expired):
            return Lease(cluster, f"{folder}/{name}", wanted, sent, clock)
        if found is not None:
            if not same:
                seen_version, seen_at = found["metadata"]["resourceVersion"], clock.monotonic()
            if not told:
                say(f"waiting for the delivery that holds the lock: {_holder_of(found)}")
                told = True
        if clock.monotonic() - begun > patience:
            who = _holder_of(found) if found else "another delivery"
            late = (
                f"the lock was not free within {patience:.0f} seconds: {who}. Nothing was changed"
            )
            way_out = (
                f"wait for that delivery; a dead one frees it {DURATION_SECONDS} s after its end"
            )
            raise PreflightError(f"{late}.\n  Way out: {way_out}.")
        clock.sleep(LOOK_SECONDS)


def _look(cluster: Cluster, path: str) -> Obj | None:
    """Look at a lock; a server that is busy is looked at again by the caller, who waits anyway."""
    try:
        return cluster.find(path)
    except ApiError as error:
        if not passing(error):
            raise
        return None


def _written(
    cluster: Cluster, folder: str, found: Obj | None, wanted: Obj, *, expired: bool
) -> bool:
    """Take the lock if it is free; False when it is not or another one was faster."""
    try:
        if found is None:
            cluster.request("POST", folder, wanted)
            return True
        if _holder_of(found) and not expired:
            return False
        found["spec"] = wanted["spec"]
        cluster.request("PUT", f"{folder}/{wanted['metadata']['name']}", found)
    except ApiError as error:
        if error.status == CONFLICT or passing(error):
            return False
        raise
    return True


def _holder_of(lease: Obj) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")


def _claim(lease: Obj) -> tuple[str, str]:
    """Tell whose it is and since when: another run may have the name of one that is gone."""
    return _holder_of(lease), str(lease.get("spec", {}).get("acquireTime", ""))


def _lease(name: str, holder: str, now: str) -> Obj:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": now,
            "renewTime": now,
        },
    }


def _now(clock: Clock) -> str:
    return clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
