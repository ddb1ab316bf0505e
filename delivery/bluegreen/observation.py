"""Looking at an application: its objects, and the facts that follow from them. Writes nothing."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delivery.bluegreen.colours import (
    LABEL,
    PREVIEW,
    RUN,
    Colour,
    selected,
    side_name,
    unpaint,
    without_colour,
)
from delivery.bluegreen.facts import Facts, Side
from delivery.bluegreen.record import Live, Phase, Release, live_on, release_on
from delivery.clock import Clock, write_time
from delivery.cluster import Cluster, Obj
from delivery.follow import get, selector_of
from delivery.render import REVISION, VERSION
from delivery.rollout import Progress, judge, newest, owned

SLICE_OF = "kubernetes.io/service-name"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
PLAIN: None = None
"""The key of the plain Deployment, where a colour is the key of its own."""
Key = Colour | None


@dataclass(frozen=True)
class Seen:
    """One look: the facts, and the objects that a conditional write needs.

    `sets` holds each Deployment's replica set of the present template; older ones may have pods that are ending.
    """

    facts: Facts
    service: Obj | None
    preview: Obj | None
    deployments: Mapping[Key, Obj]
    sets: Mapping[Key, Obj]
    progress: Mapping[Key, Progress]


def observe(
    cluster: Cluster,
    clock: Clock,
    namespace: str,
    name: str,
    run: str,
    base: Mapping[str, str],
    matched: Obj | None = None,
) -> Seen:
    """Look at an application; `base` are the Service's labels when there is no Service yet.

    `matched` is the selector that the wanted Deployment has.
    """
    services = f"/api/v1/namespaces/{namespace}/services"
    service, preview = (cluster.find(f"{services}/{each}") for each in (name, name + PREVIEW))
    found: dict[Key, Obj | None] = {
        PLAIN: get(cluster, namespace, name),
        **{colour: get(cluster, namespace, side_name(name, colour)) for colour in Colour},
    }
    deployments = {key: each for key, each in found.items() if each is not None}
    pods, sets = _owned(cluster, namespace, list(deployments.values()))
    routed, previewed = _routed(cluster, namespace, name), _routed(
        cluster, namespace, name + PREVIEW
    )
    if service is not None:
        base = without_colour(service["spec"].get("selector") or {})
    sides: dict[Key, Side] = {}
    progress: dict[Key, Progress] = {}
    known: set[str] = set()
    for key, deployment in deployments.items():
        owners = {each["metadata"]["uid"]: each for each in sets if _of(each, deployment)}
        theirs = [pod for pod in pods if any(owned(pod, uid) for uid in owners)]
        names = {pod["metadata"]["name"] for pod in theirs}
        ready = _ready(deployment, key, list(owners.values()), theirs, base)
        progress[key] = judge(deployment, sets, pods)
        known |= names
        sides[key] = Side(
            exists=True,
            wanted=int(deployment["spec"].get("replicas", 1)),
            ready=len(ready),
            routed=len(names & routed),
            previewed=len(ready & previewed),
            rolled_out=progress[key].done,
            spare=_spare(deployment["spec"]),
            content=content_of(deployment),
            release=release_on(deployment) or _found(deployment, base, clock),
            ours=_ours(deployment, run),
            hopeless=_hopeless(progress[key]),
            fits=_fits(deployment, matched),
        )
    live = selected(service) if service else None
    facts = Facts(
        now=clock.now(),
        service=service is not None,
        ours=service is None or _ours(service, run),
        live=live,
        record=_standing(live_on(service), deployments.get(live) if live else None),
        has_preview=preview is not None,
        preview=selected(preview) if preview else None,
        preview_ours=preview is None or _ours(preview, run),
        sides={key: side for key, side in sides.items() if key},
        plain=sides.get(PLAIN, Side()),
        foreign=len(routed - known),
        blind=service is not None and not base,
    )
    current = {key: newest(each, sets) for key, each in deployments.items()}
    present = {key: each for key, each in current.items() if each is not None}
    return Seen(facts, service, preview, deployments, present, progress)


def content_of(deployment: Obj) -> str:
    """Digest what the pods of a Deployment are, whatever its colour."""
    template = deployment["spec"]["template"]
    labels = without_colour(template.get("metadata", {}).get("labels") or {})
    spec = json.loads(json.dumps(template["spec"]))
    unpaint(spec)
    notes = dict(template.get("metadata", {}).get("annotations") or {})
    # A restart by hand changes no pod.
    notes.pop(RESTARTED, None)
    text = json.dumps([labels, notes, spec], sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def is_ready(pod: Obj) -> bool:
    """Tell whether an endpoint would be made of a pod."""
    status = pod.get("status", {})
    conditions = status.get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and bool(status.get("podIP")) and not pod["metadata"].get("deletionTimestamp")


def _owned(cluster: Cluster, namespace: str, deployments: list[Obj]) -> tuple[list[Obj], list[Obj]]:
    """List the pods and replica sets of an application, of all its Deployments in one request each.

    It takes more when a release finds its pods by other labels than the one before.
    """
    labels = [without_colour(x["spec"]["selector"].get("matchLabels", {})) for x in deployments]
    selectors = {selector_of({"spec": {"selector": {"matchLabels": each}}}) for each in labels}
    pods, sets = dict[str, Obj](), dict[str, Obj]()
    for selector in sorted(selectors):
        for found, path in (
            (pods, f"/api/v1/namespaces/{namespace}/pods"),
            (sets, f"/apis/apps/v1/namespaces/{namespace}/replicasets"),
        ):
            found |= {x["metadata"]["uid"]: x for x in cluster.items(path, selector)}
    return list(pods.values()), list(sets.values())


def _fits(deployment: Obj, matched: Obj | None) -> bool:
    """Tell whether a Deployment has the selector that is wanted, but for its colour."""
    found = deployment["spec"]["selector"]
    return matched is None or _plainly(found) == _plainly(matched)


def _plainly(selector: Obj) -> Obj:
    labels = without_colour(selector.get("matchLabels") or {})
    return {"labels": labels, "expressions": selector.get("matchExpressions") or []}


def _of(replica_set: Obj, deployment: Obj) -> bool:
    return owned(replica_set, deployment["metadata"]["uid"])


def _ready(
    deployment: Obj,
    key: Key,
    sets: list[Obj],
    pods: list[Obj],
    base: Mapping[str, str],
) -> set[str]:
    """Name the ready pods of the present template that the Service would find."""
    current = newest(deployment, sets)
    if current is None:
        return set()
    held = release_on(deployment)
    wanted = dict(held.selector if held and key else base)
    if key:
        wanted[LABEL] = key
    uid = current["metadata"]["uid"]
    return {
        pod["metadata"]["name"]
        for pod in pods
        if owned(pod, uid)
        and is_ready(pod)
        and wanted.items() <= (pod["metadata"].get("labels") or {}).items()
    }


def _routed(cluster: Cluster, namespace: str, service: str) -> set[str]:
    """Name the pods that a Service sends requests to."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    slices = cluster.items(path, f"{SLICE_OF}={service}")
    endpoints = [each for one in slices for each in one.get("endpoints") or []]
    return {
        (each.get("targetRef") or {}).get("name", "")
        for each in endpoints
        if (each.get("conditions") or {}).get("ready") is not False
    }


def _spare(spec: Obj) -> int:
    strategy = spec.get("strategy", {})
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return 0
    value: Any = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    if isinstance(value, str):
        return int(spec.get("replicas", 1)) * int(value.rstrip("%")) // 100
    return int(value)


def _standing(record: Live | None, deployment: Obj | None) -> Live | None:
    """Take the record for what it says, unless it is about another release than the one that is selected.

    Then somebody changed the selector by hand, and what was noted with it tells nothing any more.
    """
    held = release_on(deployment) if deployment is not None else None
    return None if record and held and held.id != record.release.id else record


def _hopeless(progress: Progress) -> bool:
    return progress.trouble is not None and not progress.trouble.patience


def _ours(obj: Obj, run: str) -> bool:
    return bool((obj["metadata"].get("annotations") or {}).get(RUN) == run)


def _found(deployment: Obj, base: Mapping[str, str], clock: Clock) -> Release:
    """Describe what somebody else deployed; nobody goes back to it unless it is live."""
    metadata = deployment["metadata"]
    notes = metadata.get("annotations") or {}
    return Release(
        id=f"found-{metadata['uid']}",
        digest=content_of(deployment),
        version=notes.get(VERSION, "unknown"),
        revision=notes.get(REVISION, ""),
        image=deployment["spec"]["template"]["spec"]["containers"][0].get("image", ""),
        phase=Phase.REJECTED,
        since=write_time(clock.now()),
        selector=dict(base),
        replicas=deployment["spec"].get("replicas"),
    )
