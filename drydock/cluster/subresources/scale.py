"""`scale`: the number of replicas as an object of its own.

Works for every kind whose registry row has the subresource; custom kinds name their fields in the
definition.
"""

from __future__ import annotations

import json
from dataclasses import replace

from drydock.cluster import body
from drydock.cluster.client import APPLY_PATCH, JSON_PATCH, copied
from drydock.cluster.core import Core
from drydock.cluster.custom.definitions import scale_paths
from drydock.cluster.errors import InvalidError, Json, Obj, bad_request, not_found
from drydock.cluster.message import Request, Response
from drydock.cluster.patch import PatchError, json_patch, merge_patch
from drydock.cluster.route import Target
from drydock.cluster.validation.causes import invalid
from drydock.cluster.verbs import options
from drydock.cluster.verbs.write import Write, store_changed


def handle(core: Core, target: Target, request: Request) -> Response:
    """Read or change the number of replicas."""
    resource = target.resource
    old = core.store.get(core.key(resource, target.namespace, target.name))
    if old is None:
        raise not_found(resource.about, target.name)
    paths = scale_paths(core, target.resource)
    if target.verb == "get":
        return Response(200, _scale(old, paths))
    if target.verb == "update":
        wish = body.raw(request, "Scale")
        kind = "UpdateOptions"
    else:
        wish = _patched(_scale(old, paths), request)
        kind = "PatchOptions"
    dry = options.dry_run(request, kind)
    replicas = (wish.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request(
            "json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32"
        )
    if replicas < 0:
        cause = invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise InvalidError("Scale", "autoscaling", target.name, [cause])
    new = copied(old)
    _put(new, paths[0], replicas)
    new["metadata"].pop("resourceVersion", None)
    given = (wish.get("metadata") or {}).get("resourceVersion")
    if given:
        new["metadata"]["resourceVersion"] = given
    write = Write(core, replace(target, subresource="scale"), request, dry)
    return Response(200, _scale(store_changed(write, old, new), paths))


def _patched(current: Obj, request: Request) -> Obj:
    document: Json = request.body
    if isinstance(document, bytes):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise bad_request(str(error)) from error
    if request.content_type == JSON_PATCH:
        try:
            return json_patch(current, document)
        except PatchError as error:
            raise bad_request(str(error)) from error
    if request.content_type == APPLY_PATCH:
        raise bad_request("apply the object itself instead of its scale")
    return merge_patch(current, document)


def _scale(obj: Obj, paths: tuple[str, str, str]) -> Obj:
    meta = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Obj = {"replicas": _get(obj, paths[1]) or 0}
    selector = _get(obj, paths[2]) if paths[2] else None
    text = _selector(selector)
    if text:
        status["selector"] = text
    spec: Obj = {}
    if _get(obj, paths[0]):
        spec["replicas"] = _get(obj, paths[0])
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": spec,
        "status": status,
    }


def _selector(selector: Json) -> str:
    if isinstance(selector, str):
        return selector
    if not isinstance(selector, dict):
        return ""
    labels = selector.get("matchLabels", selector if "matchExpressions" not in selector else {})
    return ",".join(f"{name}={labels[name]}" for name in sorted(labels))


def _get(obj: Obj, path: str) -> Json:
    here: Json = obj
    for name in filter(None, path.split(".")):
        here = here.get(name) if isinstance(here, dict) else None
    return here


def _put(obj: Obj, path: str, value: int) -> None:
    *above, last = list(filter(None, path.split(".")))
    here = obj
    for name in above:
        here = here.setdefault(name, {})
    here[last] = value
