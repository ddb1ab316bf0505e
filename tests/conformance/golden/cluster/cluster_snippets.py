"""Steps of cluster scenarios that need more than kubectl; named by their function.

Each takes the scenario's room and its arguments and returns a JSON value.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import yaml
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException

from cluster_golden import pick
from kube_api import PATCH_TYPES, Api

INITIAL_END = "k8s.io/initial-events-end"
SNIPPETS: dict[str, Callable[..., Any]] = {}


def snippet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a step by its name."""
    SNIPPETS[function.__name__] = function
    return function


def api_of(room: Any, **headers: str) -> Api:
    """Connect with the scenario's kubeconfig."""
    return Api(str(room.kubeconfig), headers)


@snippet
def request(
    room,
    method,
    path,
    body=None,
    text=None,
    patch=None,
    headers=None,
    accept=None,
    keep=None,
    raw=False,
):
    """Send one raw request; answer code, content type and body."""
    sent = dict(headers or {})
    if accept:
        sent["Accept"] = accept
    data = (
        yaml.safe_load(text)
        if text is not None and not raw
        else (text if text is not None else body)
    )
    kind = PATCH_TYPES.get(patch, patch) or "application/json"
    answer = api_of(room).send(method, path, data, content_type=kind, headers=sent)
    out = {"code": answer.status, "type": answer.headers.get("Content-Type")}
    warnings = answer.headers.getlist("Warning") if hasattr(answer.headers, "getlist") else []
    if warnings:
        out["warnings"] = warnings
    for name in keep or []:
        if answer.headers.get(name):
            out[name] = answer.headers[name]
    try:
        out["body"] = json.loads(answer.data)
    except (ValueError, UnicodeDecodeError):
        out["body"] = (
            {"starts": answer.data[:4].hex()} if b"\0" in answer.data[:16] else answer.data.decode()
        )
    return out


@snippet
def watch_raw(room, path, seconds=2, brief=None):
    """Collect the events of a watch; "brief" lists the paths kept of each object.

    Bookmarks other than the one after the initial events come when they will and are left out.
    """
    events = []
    for event in api_of(room).events(path, timeout=seconds):
        thing = event["object"]
        if event["type"] == "BOOKMARK" and INITIAL_END not in thing["metadata"].get(
            "annotations", {}
        ):
            continue
        shown = {p: pick(thing, p) for p in brief} if brief else thing
        events.append({"type": event["type"], **({"object": shown} if shown else {})})
    return events


@snippet
def rollout_watch(room, deployment, do, settle=2.0, limit=60):
    """Change a deployment while its ReplicaSets and pods are watched; answer what never changes between runs."""
    api = api_of(room)
    base = f"/apis/apps/v1/namespaces/{room.ns}"
    _, before = api.call("GET", f"{base}/replicasets")
    names = {r["metadata"]["name"] for r in before["items"]}
    version = before["metadata"]["resourceVersion"]
    specs: dict[str, int] = {r["metadata"]["name"]: r["spec"]["replicas"] for r in before["items"]}
    ready: dict[str, int] = {
        r["metadata"]["name"]: r["status"].get("availableReplicas", 0) for r in before["items"]
    }
    steps, stop = [], threading.Event()

    def follow():
        path = f"{base}/replicasets?watch=true&resourceVersion={version}&timeoutSeconds={limit}"
        for event in api.events(path, timeout=limit):
            item = event["object"]
            name = item["metadata"]["name"]
            specs[name] = 0 if event["type"] == "DELETED" else item["spec"]["replicas"]
            ready[name] = item["status"].get("availableReplicas", 0)
            old = sum(v for k, v in specs.items() if k in names)
            new = sum(v for k, v in specs.items() if k not in names)
            row = [old, new, sum(ready.values())]
            if not steps or steps[-1] != row:
                steps.append(row)
            if stop.is_set():
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    time.sleep(0.3)
    done = room.shell(do)
    status = room.shell(f"kubectl rollout status deployment/{deployment} --timeout={limit}s")
    time.sleep(settle)
    stop.set()
    room.variables["SEQUENCE"] = json.dumps(steps)
    pairs = []
    for old, new, _ in steps:
        if not pairs or pairs[-1] != [old, new]:
            pairs.append([old, new])
    totals = [old + new for old, new, _ in steps]
    return {
        "said": done.stdout.strip(),
        "status_exit": status.returncode,
        "status_last": status.stdout.strip().splitlines()[-1],
        "first_pairs": pairs[:3],
        "last_pair": pairs[-1],
        "max_total": max(totals),
        "min_available": min(a for _, _, a in steps),
    }


@snippet
def lines(room, run, unique=True):
    """Run a command; answer its distinct stdout lines in order, numbers kept."""
    done = room.shell(room.fill(run))
    out: list[str] = []
    for line in done.stdout.splitlines():
        if not unique or line not in out:
            out.append(line)
    return {"exit": done.returncode, "lines": out, "stderr": done.stderr}


@snippet
def distinct_events(room, regarding, wait=0):
    """Answer the set of (type, reason, message, component, kind) of one object's events, sorted."""
    time.sleep(wait)
    _, found = api_of(room).call("GET", f"/api/v1/namespaces/{room.ns}/events")
    kind, _, name = regarding.partition("/")
    rows = set()
    for event in found["items"]:
        thing = event["involvedObject"]
        if thing["kind"] == kind and thing["name"].startswith(name):
            component = event.get("source", {}).get("component") or event.get("reportingComponent")
            rows.add(
                (
                    event["type"],
                    event["reason"],
                    event["message"],
                    component,
                    thing.get("fieldPath", ""),
                )
            )
    return sorted(rows)


@snippet
def stale_put(room, path):
    """GET twice, PUT the first, PUT the second: the loser's answer."""
    api = api_of(room)
    _, one = api.call("GET", path)
    two = copy.deepcopy(one)
    one.setdefault("metadata", {}).setdefault("labels", {})["by"] = "one"
    two.setdefault("metadata", {}).setdefault("labels", {})["by"] = "two"
    first, _ = api.call("PUT", path, one)
    second, body = api.call("PUT", path, two)
    del two["metadata"]["resourceVersion"]
    third, _ = api.call("PUT", path, two)
    two["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
    fourth, other = api.call("PUT", path, two)
    return {
        "first": first,
        "second": second,
        "body": body,
        "without_version": third,
        "other_uid": [fourth, other],
    }


@snippet
def elect(room, name):
    """Two candidates use one Lease: create, renew, take over with a stale version, take over after expiry."""
    api = api_of(room)
    base = f"/apis/coordination.k8s.io/v1/namespaces/{room.ns}/leases"
    now = datetime.now(timezone.utc)

    def spec(holder: str, moment: datetime, changes: int) -> dict[str, Any]:
        when = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        times = {"acquireTime": when, "renewTime": when}
        return {
            "holderIdentity": holder,
            "leaseDurationSeconds": 5,
            "leaseTransitions": changes,
            **times,
        }

    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}}
    missing, body = api.call("GET", f"{base}/{name}")
    made, first = api.call("POST", base, {**lease, "spec": spec("a", now, 0)})
    again, twice = api.call("POST", base, {**lease, "spec": spec("b", now, 0)})
    renewed, second = api.call(
        "PUT", f"{base}/{name}", {**first, "spec": spec("a", now + timedelta(seconds=2), 0)}
    )
    stale, lost = api.call("PUT", f"{base}/{name}", {**first, "spec": spec("b", now, 1)})
    taken, third = api.call("PUT", f"{base}/{name}", {**second, "spec": spec("b", now, 1)})
    changed = int(third["metadata"]["resourceVersion"]) > int(second["metadata"]["resourceVersion"])
    same, fourth = api.call("PUT", f"{base}/{name}", third)
    third_version = third["metadata"]["resourceVersion"]
    bad, invalid = api.call(
        "PUT", f"{base}/{name}", {**fourth, "spec": {**fourth["spec"], "renewTime": "2026-01-01"}}
    )
    negative, causes = api.call(
        "PUT", f"{base}/{name}", {**fourth, "spec": {**fourth["spec"], "leaseDurationSeconds": 0}}
    )
    return {
        "absent": [missing, body["reason"]],
        "created": made,
        "created_again": [again, twice["message"]],
        "renewed": renewed,
        "stale": [stale, lost["reason"], lost["message"]],
        "taken": [taken, third["spec"]["holderIdentity"], third["spec"]["leaseTransitions"]],
        "version_rises": changed,
        "put_without_change": [same, fourth["metadata"]["resourceVersion"] == third_version],
        "micro_digits": len(third["spec"]["renewTime"].partition(".")[2]) - 1,
        "bad_time": [bad, invalid["message"]],
        "zero_duration": [negative, causes["message"]],
    }


@snippet
def slices(room, service, wait=0.0):
    """Answer the endpoints of a Service's slices: ready, serving, terminating, and the ports."""
    time.sleep(wait)
    path = f"/apis/discovery.k8s.io/v1/namespaces/{room.ns}/endpointslices"
    _, found = api_of(room).call(
        "GET", f"{path}?labelSelector=kubernetes.io%2Fservice-name%3D{service}"
    )
    rows = []
    for item in found["items"]:
        for endpoint in item.get("endpoints") or []:
            c = endpoint["conditions"]
            labels = endpoint.get("targetRef", {}).get("name", "").split("-")[0]
            rows.append([labels, c.get("ready"), c.get("serving"), c.get("terminating")])
    ports = [i.get("ports") for i in found["items"]]
    return {
        "slices": len(found["items"]),
        "ports": ports[0] if ports else None,
        "endpoints": sorted(rows, key=str),
    }


def raised(action: Callable[[], Any]) -> dict[str, Any]:
    """Run an action of the Python client; describe the exception."""
    try:
        value = action()
    except Exception as error:  # noqa: BLE001 - the exception is the measurement
        out = {
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            "str": str(error).splitlines()[0],
        }
        if isinstance(error, ApiException):
            out |= {"status": error.status, "reason": error.reason}
            body = (
                json.loads(error.body) if error.body and error.body.startswith("{") else error.body
            )
            out["body"] = body
        return out
    return {
        "type": "none",
        "value": (
            value if isinstance(value, (str, int, list, dict, type(None))) else type(value).__name__
        ),
    }


def python_client(room: Any) -> client.ApiClient:
    """Return a typed client with the scenario's kubeconfig."""
    from kubernetes import config

    return config.new_client_from_config(str(room.kubeconfig))


@snippet
def client_errors(room):
    """The exceptions of the Python client for the usual errors."""
    api = python_client(room)
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    ns = room.ns
    cm = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="c"), data={"a": "1"})
    core.create_namespaced_config_map(ns, cm)
    read = core.read_namespaced_config_map("c", ns)
    core.patch_namespaced_config_map("c", ns, {"data": {"a": "2"}})
    bad = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Bad_Name"}}
    quota = {"metadata": {"name": "d"}, "spec": {"selector": {}, "template": {}}}
    return {
        "not_found": raised(lambda: core.read_namespaced_config_map("no", ns)),
        "exists": raised(lambda: core.create_namespaced_config_map(ns, cm)),
        "conflict": raised(lambda: core.replace_namespaced_config_map("c", ns, read)),
        "invalid": raised(lambda: core.create_namespaced_config_map(ns, bad)),
        "bad_deployment": raised(lambda: apps.create_namespaced_deployment(ns, quota)),
        "no_selector_locally": raised(
            lambda: client.V1DeploymentSpec(template=client.V1PodTemplateSpec())
        ),
        "bad_body_type": raised(
            lambda: core.patch_namespaced_config_map("c", ns, {"data": {"a": 1}})
        ),
        "bad_selector": raised(lambda: core.list_namespaced_config_map(ns, label_selector="a in")),
        "bad_field": raised(lambda: core.list_namespaced_config_map(ns, field_selector="data.a=1")),
        "bad_version": raised(lambda: core.list_namespaced_config_map(ns, resource_version="x")),
        "future_version": raised(
            lambda: core.list_namespaced_config_map(
                ns, resource_version="999999999", _request_timeout=(2, 8)
            )
        ),
        "deleted_kind": type(core.delete_namespaced_config_map("c", ns)).__name__,
        "deleted_pod_kind": raised(lambda: core.delete_namespaced_pod("no", ns))["status"],
    }


@snippet
def client_patches(room):
    """How the Python client chooses the patch type, and what it sends."""
    api = python_client(room)
    core = client.CoreV1Api(api)
    ns = room.ns
    core.create_namespaced_config_map(ns, {"metadata": {"name": "c"}, "data": {"a": "1", "b": "1"}})
    as_dict = core.patch_namespaced_config_map("c", ns, {"data": {"a": None}}).data
    as_list = core.patch_namespaced_config_map(
        "c", ns, [{"op": "add", "path": "/data/c", "value": "3"}]
    ).data
    applied = raised(
        lambda: core.patch_namespaced_config_map(
            "c",
            ns,
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"z": "1"}},
            field_manager="me",
            _content_type="application/apply-patch+yaml",
        ).data
    )
    no_manager = raised(
        lambda: core.patch_namespaced_config_map(
            "c",
            ns,
            {"apiVersion": "v1", "kind": "ConfigMap"},
            _content_type="application/apply-patch+yaml",
        )
    )
    dry = core.patch_namespaced_config_map("c", ns, {"data": {"dry": "1"}}, dry_run="All").data
    return {
        "dict": as_dict,
        "list": as_list,
        "apply": applied,
        "apply_without_manager": no_manager,
        "dry": sorted(dry),
        "after_dry": sorted(core.read_namespaced_config_map("c", ns).data),
    }


@snippet
def client_watch(room):
    """What the Python client's watch yields, keeps and raises."""
    api = python_client(room)
    core = client.CoreV1Api(api)
    ns = room.ns
    room.shell("kubectl wait --for=create cm/kube-root-ca.crt --timeout=20s")
    core.create_namespaced_config_map(ns, {"metadata": {"name": "one", "labels": {"own": "1"}}})
    listed = core.list_namespaced_config_map(ns)
    version = listed.metadata.resource_version
    core.create_namespaced_config_map(ns, {"metadata": {"name": "two"}})
    core.patch_namespaced_config_map("two", ns, {"data": {"a": "1"}})
    core.delete_namespaced_config_map("two", ns)
    w = watch.Watch()
    seen = [
        [e["type"], e["object"].metadata.name]
        for e in w.stream(
            core.list_namespaced_config_map, ns, resource_version=version, timeout_seconds=1
        )
    ]
    moved = int(w.resource_version) > int(version)
    w2 = watch.Watch()
    own = {"label_selector": "own", "timeout_seconds": 1}
    from_start = [
        [e["type"], e["object"].metadata.name]
        for e in w2.stream(core.list_namespaced_config_map, ns, **own)
    ]
    w3 = watch.Watch()
    marks = [
        [e["type"], sorted(e["raw_object"]["metadata"].get("annotations", {}).items())]
        for e in w3.stream(
            core.list_namespaced_config_map,
            ns,
            **own,
            send_initial_events=True,
            resource_version_match="NotOlderThan",
            allow_watch_bookmarks=True,
        )
    ]
    old = raised(
        lambda: list(
            watch.Watch().stream(
                core.list_namespaced_config_map, ns, resource_version="1", timeout_seconds=1
            )
        )
    )
    return {
        "items_kind": [listed.items[0].kind, listed.items[0].api_version],
        "from_version": seen,
        "version_kept_and_moved": moved,
        "from_start": from_start,
        "bookmarks": [mark for mark in marks if mark != ["BOOKMARK", []]],
        "too_old": old,
    }


@snippet
def evict(room, label="", name=""):
    """Ask for the eviction of the first ready pod with a label, or of a named pod."""
    api = api_of(room)
    base = f"/api/v1/namespaces/{room.ns}/pods"
    if label:
        _, found = api.call("GET", f"{base}?labelSelector={label.replace('=', '%3D')}")
        living = [p for p in found["items"] if "deletionTimestamp" not in p["metadata"]]
        name = living[0]["metadata"]["name"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": room.ns},
    }
    answer = api.send("POST", f"{base}/{name}/eviction", body)
    return {
        "code": answer.status,
        "retry_after": answer.headers.get("Retry-After"),
        "body": json.loads(answer.data),
    }


@snippet
def watch_changes(room):
    """Change objects under a watch with a label selector that starts at a known version."""
    api = api_of(room)
    base = f"/api/v1/namespaces/{room.ns}/configmaps"
    _, before = api.call("GET", base)
    version = before["metadata"]["resourceVersion"]
    merge = PATCH_TYPES["merge"]
    api.call("POST", base, {"metadata": {"name": "n", "labels": {"w": "1"}}})
    api.call("PATCH", f"{base}/n", {"data": {"a": "1"}}, content_type=merge)
    api.call("PATCH", f"{base}/n", {"data": {"a": "1"}}, content_type=merge)
    api.call("PATCH", f"{base}/n", {"metadata": {"labels": {"w": None}}}, content_type=merge)
    api.call("PATCH", f"{base}/n", {"metadata": {"labels": {"w": "1"}}}, content_type=merge)
    api.call("DELETE", f"{base}/n")
    path = f"{base}?watch=1&resourceVersion={version}&labelSelector=w&timeoutSeconds=1"
    events = list(api.events(path, timeout=5))
    versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
    return {
        "events": [
            [e["type"], e["object"].get("data"), e["object"]["metadata"].get("labels")]
            for e in events
        ],
        "versions_rise": versions == sorted(set(versions)) and versions[0] > int(version),
    }


@snippet
def pages(room, resource, selector, limit):
    """Read a list in pages."""
    api = api_of(room)
    path = f"/api/v1/namespaces/{room.ns}/{resource}?labelSelector={selector}&limit={limit}"
    _, one = api.call("GET", path)
    api.call(
        "POST",
        f"/api/v1/namespaces/{room.ns}/{resource}",
        {"metadata": {"name": "zz", "labels": {selector: "1"}}},
    )
    _, two = api.call("GET", f"{path}&continue={one['metadata']['continue']}")
    both, refused = api.call(
        "GET", f"{path}&continue={one['metadata']['continue']}&resourceVersion=1"
    )
    return {
        "first": [i["metadata"]["name"] for i in one["items"]],
        "first_meta": sorted(one["metadata"]),
        "item_has_kind": "kind" in one["items"][0],
        "second": [i["metadata"]["name"] for i in two["items"]],
        "second_meta": sorted(two["metadata"]),
        "same_version": one["metadata"]["resourceVersion"] == two["metadata"]["resourceVersion"],
        "with_version": [both, refused["message"]],
    }


@snippet
def client_misc(room):
    """Serialisation habits of the Python client that show on the wire."""
    from kubernetes import dynamic, utils

    api = python_client(room)
    core = client.CoreV1Api(api)
    ns = room.ns
    meta = client.V1ObjectMeta(name="m", labels={"a": "b"}, annotations=None)
    body = client.V1ConfigMap(metadata=meta, data={"k": "v"})
    sent = api.sanitize_for_serialization(body)
    made = core.create_namespaced_config_map(ns, body)
    found = dynamic.DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
    one = found.get(name="m", namespace=ns)
    raw = core.read_namespaced_config_map("m", ns, _preload_content=False)
    for name in ("s1", "s2", "s3"):
        core.create_namespaced_secret(ns, {"metadata": {"name": name}})
    page = core.list_namespaced_secret(ns, limit=1)
    twice = raised(
        lambda: utils.create_from_dict(
            api, {"apiVersion": "v1", "kind": "ConfigMap", **sent}, namespace=ns
        )
    )
    return {
        "sent": sent,
        "made_kind": [made.kind, made.api_version],
        "time_type": type(made.metadata.creation_timestamp).__name__,
        "dynamic": [type(one).__name__, one.metadata.name],
        "raw": [raw.status, raw.headers["Content-Type"]],
        "page": [
            len(page.items),
            bool(page.metadata._continue),
            page.metadata.remaining_item_count,
        ],
        "create_from_dict_twice": {k: twice[k] for k in ("type", "str")},
        "dynamic_missing": raised(lambda: found.get(name="no", namespace=ns))["type"],
        "dynamic_unknown_kind": raised(
            lambda: dynamic.DynamicClient(api).resources.get(api_version="v1", kind="Nope")
        ),
        "delete_body": type(
            core.delete_namespaced_config_map("m", ns, propagation_policy="Foreground")
        ).__name__,
    }
