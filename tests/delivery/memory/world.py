"""The cluster as it goes on by itself: time, and controllers that work a little whenever it passes."""

import hashlib
import itertools
import json
from datetime import UTC, datetime, timedelta

from delivery.clock import Clock
from tests.delivery.memory.pods import crashing, image_of, ready, running
from tests.delivery.memory.store import Obj, Store

NS = "shop"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NS}/deployments"
REPLICA_SETS = f"/apis/apps/v1/namespaces/{NS}/replicasets"
PODS = f"/api/v1/namespaces/{NS}/pods"
SERVICES = f"/api/v1/namespaces/{NS}/services"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NS}/endpointslices"
TICK_SECONDS = 0.3
REVISION = "deployment.kubernetes.io/revision"


class World:
    """A namespace. `broken` images crash at once, `ill` ones run and answer 500."""

    def __init__(self) -> None:
        self.store = Store()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 0.0
        self.broken: set[str] = set()
        self.ill: set[str] = set()
        self.slices_lag = 0
        """For how many ticks the slices stay as they are."""
        self.flapping: dict[str, int] = {}
        """Pods that are not ready for so many more ticks."""
        self.slow_to_end = False
        """Pods that are deleted stay for as long as this is true."""
        self._numbers = itertools.count(1)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; the controllers work at least once."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds
        for _ in range(min(10, max(1, round(seconds / TICK_SECONDS)))):
            self.tick()

    def tick(self) -> None:
        """Let every controller work once."""
        self._nodes()
        self._garbage()
        for deployment in self.store.list(DEPLOYMENTS):
            self._deployment(deployment)
        for replica_set in self.store.list(REPLICA_SETS):
            self._replica_set(replica_set)
        for deployment in self.store.list(DEPLOYMENTS):
            self._status(deployment)
        if self.slices_lag:
            self.slices_lag -= 1
        else:
            self._slices()

    def ready_behind(self, service: str) -> list[Obj]:
        """List the ready pods that a Service's selector names now, whatever the slices say."""
        found = self.store.objects.get(f"{SERVICES}/{service}")
        selector = (found or {"spec": {}})["spec"].get("selector")
        return [pod for pod in self.store.list(PODS, selector) if ready(pod)] if selector else []

    def answer(self, service: str) -> int:
        """Answer as the Service would, by its slices: the worst of what its pods would."""
        found = self.store.objects.get(f"{SLICES}/{service}-slice")
        names = [each["targetRef"]["name"] for each in (found or {}).get("endpoints", [])]
        pods = [self.store.objects.get(f"{PODS}/{name}") for name in names]
        images = [image_of(pod) for pod in pods if pod is not None]
        if not images:
            return 503
        return 500 if any(image in self.ill for image in images) else 200

    def _nodes(self) -> None:
        for pod in self.store.list(PODS):
            name = pod["metadata"]["name"]
            path = f"{PODS}/{name}"
            if pod["metadata"].get("deletionTimestamp"):
                if not self.slow_to_end:
                    self.store.delete(path, {})
                continue
            flaps = self.flapping.get(name, 0)
            if flaps:
                self.flapping[name] = flaps - 1
            image = image_of(pod)
            status = crashing(image) if image in self.broken else running(name, up=not flaps)
            self.store.set_status(path, status=status)

    def _garbage(self) -> None:
        uids = {obj["metadata"]["uid"] for obj in self.store.objects.values()}
        for folder in (REPLICA_SETS, PODS):
            for obj in self.store.list(folder):
                if not any(o["uid"] in uids for o in obj["metadata"]["ownerReferences"]):
                    self._end(folder, obj)

    def _end(self, folder: str, obj: Obj) -> None:
        path = f"{folder}/{obj['metadata']['name']}"
        if folder == PODS:
            stamp = {**obj["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
            self.store.set_status(path, metadata=stamp)
        else:
            self.store.delete(path, {})

    def _deployment(self, deployment: Obj) -> None:
        """Keep one replica set per template; replace pods one at a time."""
        metadata, spec = deployment["metadata"], deployment["spec"]
        sets = [one for one in self.store.list(REPLICA_SETS) if _owned(one, deployment)]
        revision = max((int(one["metadata"]["annotations"][REVISION]) for one in sets), default=0)
        digest = hashlib.sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()[
            :8
        ]
        name = f"{metadata['name']}-{digest}"
        current = next((one for one in sets if one["metadata"]["name"] == name), None)
        if current is None:
            current = self._made_set(deployment, name, digest, revision + 1)
            sets.append(current)
        elif int(current["metadata"]["annotations"][REVISION]) < revision:
            notes = {REVISION: str(revision + 1)}
            changed = {**current["metadata"], "annotations": notes}
            self.store.set_status(f"{REPLICA_SETS}/{name}", metadata=changed)
            current = self.store.get(f"{REPLICA_SETS}/{name}")
        notes = {
            **metadata.get("annotations", {}),
            REVISION: current["metadata"]["annotations"][REVISION],
        }
        path = f"{DEPLOYMENTS}/{metadata['name']}"
        self.store.set_status(path, metadata={**metadata, "annotations": notes})
        wanted = spec.get("replicas", 1)
        pods = self.store.list(PODS)
        fresh = sum(ready(pod) for pod in pods if _owned(pod, current))
        old = [one for one in sets if one["metadata"]["name"] != name and one["spec"]["replicas"]]
        room = wanted + 1 - sum(one["spec"]["replicas"] for one in old)
        self._size(
            current, wanted if not old else max(current["spec"]["replicas"], min(wanted, room))
        )
        keep = max(0, wanted - 1 - fresh)
        for one in old:
            size = min(one["spec"]["replicas"], keep)
            self._size(one, size)
            keep -= size

    def _made_set(self, deployment: Obj, name: str, digest: str, revision: int) -> Obj:
        template = json.loads(json.dumps(deployment["spec"]["template"]))
        template["metadata"]["labels"]["pod-template-hash"] = digest
        made = {
            "metadata": {
                "name": name,
                "labels": template["metadata"]["labels"],
                "annotations": {REVISION: str(revision)},
                "ownerReferences": [{"uid": deployment["metadata"]["uid"]}],
            },
            "spec": {
                "replicas": 0,
                "selector": {
                    "matchLabels": {
                        **deployment["spec"]["selector"]["matchLabels"],
                        "pod-template-hash": digest,
                    }
                },
                "template": template,
            },
        }
        return self.store.create(REPLICA_SETS, made, "controller", self.now)

    def _size(self, replica_set: Obj, replicas: int) -> None:
        path = f"{REPLICA_SETS}/{replica_set['metadata']['name']}"
        self.store.set_status(path, spec={**replica_set["spec"], "replicas": replicas})

    def _replica_set(self, replica_set: Obj) -> None:
        pods = [
            pod
            for pod in self.store.list(PODS)
            if _owned(pod, replica_set) and not pod["metadata"].get("deletionTimestamp")
        ]
        wanted = replica_set["spec"]["replicas"]
        # As the real one: first what is not ready, then the youngest.
        pods.sort(key=lambda pod: (ready(pod), -_number(pod)))
        for pod in pods[: max(0, len(pods) - wanted)]:
            self._end(PODS, pod)
        template = replica_set["spec"]["template"]
        for _ in range(wanted - len(pods)):
            pod = {
                "metadata": {
                    "name": f"{replica_set['metadata']['name']}-{next(self._numbers)}",
                    "labels": template["metadata"]["labels"],
                    "ownerReferences": [{"uid": replica_set["metadata"]["uid"]}],
                },
                "spec": template["spec"],
            }
            self.store.create(PODS, pod, "controller", self.now)

    def _status(self, deployment: Obj) -> None:
        sets = [one for one in self.store.list(REPLICA_SETS) if _owned(one, deployment)]
        revision = deployment["metadata"].get("annotations", {}).get(REVISION)
        current = [x for x in sets if x["metadata"]["annotations"][REVISION] == revision]
        pods = [p for p in self.store.list(PODS) if not p["metadata"].get("deletionTimestamp")]
        ours = [pod for pod in pods if any(_owned(pod, one) for one in sets)]
        fresh = [pod for pod in ours if any(_owned(pod, one) for one in current)]
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(ours),
            "updatedReplicas": len(fresh),
            "readyReplicas": sum(map(ready, ours)),
            "availableReplicas": sum(map(ready, ours)),
        }
        self.store.set_status(f"{DEPLOYMENTS}/{deployment['metadata']['name']}", status=status)

    def _slices(self) -> None:
        for service in self.store.list(SERVICES):
            name = service["metadata"]["name"]
            endpoints = [
                {
                    "addresses": [pod["status"]["podIP"]],
                    "conditions": {"ready": True},
                    "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"]},
                }
                for pod in self.ready_behind(name)
            ]
            path = f"{SLICES}/{name}-slice"
            if path not in self.store.objects:
                labels = {"kubernetes.io/service-name": name}
                made = {"metadata": {"name": f"{name}-slice", "labels": labels}, "endpoints": []}
                self.store.create(SLICES, made, "controller", self.now)
            self.store.set_status(path, endpoints=endpoints)
        names = {f"{x['metadata']['name']}-slice" for x in self.store.list(SERVICES)}
        for one in self.store.list(SLICES):
            if one["metadata"]["name"] not in names:
                self.store.delete(f"{SLICES}/{one['metadata']['name']}", {})


class VirtualClock(Clock):
    """The time of a world. Sleeping lets the world go on."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        """Tell the world's time."""
        return self._world.now

    def monotonic(self) -> float:
        """Tell the seconds that passed in the world."""
        return self._world.seconds

    def sleep(self, seconds: float) -> None:
        """Let the world go on."""
        self._world.pass_time(seconds)


def _owned(obj: Obj, owner: Obj) -> bool:
    return any(o["uid"] == owner["metadata"]["uid"] for o in obj["metadata"]["ownerReferences"])


def _number(pod: Obj) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])
