"""The lock of an environment: a Lease, so that two deliveries at once take turns.

Held with an expiry and renewed while a delivery works. A job that was killed stops renewing, so it
blocks for no longer than `DURATION_SECONDS`. Expiry is judged by watching, not by comparing clocks
of two machines: a lease that was not renewed while we watched it that long is free.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from delivery.cluster import CONFLICT, ApiError, Cluster, Obj
from delivery.errors import PreflightError, RolloutError
from delivery.progress import say

NAME = "shipyard-delivery"
DURATION_SECONDS = 15
RENEW_SECONDS = 4.0
LOOK_SECONDS = 0.5


class Lease:
    """A held lock."""

    def __init__(self, cluster: Cluster, path: str, holder: str) -> None:
        self._cluster, self._path, self._holder = cluster, path, holder
        self._ended = threading.Event()
        self._lost = ""
        self._renewal = threading.Thread(target=self._renew, name="lease", daemon=True)

    def still_held(self) -> None:
        """Raise when another delivery took the lock, which only happens when renewing failed long."""
        if self._lost:
            raise RolloutError(
                f"the lock was lost: {self._lost}. Another delivery may be at work, so this one stopped"
                " where it was and put nothing back"
            )

    def start(self) -> None:
        """Begin to renew."""
        self._renewal.start()

    def release(self) -> None:
        """Stop renewing and give the lock back; the next one need not wait for the expiry."""
        self._ended.set()
        self._renewal.join()
        if not self._lost:
            try:
                self._cluster.request("PATCH", self._path, {"spec": {"holderIdentity": ""}})
            except ApiError as error:
                say(f"the lock could not be given back, it expires by itself: {error}")

    def _renew(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(RENEW_SECONDS):
            try:
                found = self._cluster.request("GET", self._path)
                if found["spec"].get("holderIdentity") != self._holder:
                    self._lost = f"{found['spec'].get('holderIdentity')!r} holds it"
                    return
                found["spec"]["renewTime"] = _now()
                self._cluster.request("PUT", self._path, found)
                last = time.monotonic()
            except ApiError as error:
                if time.monotonic() - last > DURATION_SECONDS:
                    self._lost = str(error)
                    return


@contextmanager
def locked(cluster: Cluster, namespace: str, holder: str, patience: float) -> Iterator[Lease]:
    """Hold the environment's lock; wait for it up to `patience` seconds, else PreflightError."""
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    _take(cluster, folder, holder, patience)
    lease = Lease(cluster, f"{folder}/{NAME}", holder)
    lease.start()
    try:
        yield lease
    finally:
        lease.release()


def _take(cluster: Cluster, folder: str, holder: str, patience: float) -> None:
    begun = time.monotonic()
    seen_version, seen_at, told = "", begun, False
    while True:
        found = cluster.find(f"{folder}/{NAME}")
        same = found is not None and found["metadata"]["resourceVersion"] == seen_version
        expired = same and time.monotonic() - seen_at > DURATION_SECONDS
        if _written(cluster, folder, found, holder, expired=expired):
            return
        if found is not None:
            if not same:
                seen_version, seen_at = found["metadata"]["resourceVersion"], time.monotonic()
            if not told:
                say(f"waiting for the delivery that holds the lock: {_holder_of(found)}")
                told = True
        if time.monotonic() - begun > patience:
            who = _holder_of(found) if found else "another delivery"
            raise PreflightError(f"the lock was not free within {patience:.0f} seconds: {who}")
        time.sleep(LOOK_SECONDS)


def _written(
    cluster: Cluster, folder: str, found: Obj | None, holder: str, *, expired: bool
) -> bool:
    """Take the lock if it is free; False when it is not or another one was faster."""
    try:
        if found is None:
            cluster.request("POST", folder, _lease(holder))
            return True
        if _holder_of(found) and not expired:
            return False
        found["spec"] = _lease(holder)["spec"]
        cluster.request("PUT", f"{folder}/{NAME}", found)
    except ApiError as error:
        if error.status == CONFLICT:
            return False
        raise
    return True


def _holder_of(lease: Obj) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")


def _lease(holder: str) -> Obj:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": _now(),
            "renewTime": _now(),
        },
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
