"""`serviceaccounts/token`: issue a token that is good for a while."""

from __future__ import annotations

from drydock.cluster import body
from drydock.cluster.core import Core
from drydock.cluster.errors import Group, InvalidError, Obj, bad_request, conflict, not_found
from drydock.cluster.message import Request, Response
from drydock.cluster.route import Target
from drydock.cluster.schema import normal
from drydock.cluster.validation.causes import invalid
from drydock.cluster.verbs.write import deadline

_SHORTEST = 600
_LONGEST = 1 << 32
_HOUR = 3600
_BINDABLE = {"Pod": "pods", "Secret": "secrets"}


def token(core: Core, target: Target, request: Request) -> Response:
    """Answer a TokenRequest with its status filled in."""
    account = core.find("serviceaccounts", target.namespace, target.name)
    if account is None:
        raise not_found(target.resource.about, target.name)
    found = body.raw(request, "TokenRequest") or {}
    shape = core.shapes.of_kind("authentication.k8s.io/v1", "TokenRequest")
    obj = normal(shape, found)
    spec = obj["spec"]
    seconds = spec.setdefault("expirationSeconds", _HOUR)
    if seconds < _SHORTEST:
        cause = invalid(
            "spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes"
        )
        raise InvalidError("TokenRequest", "authentication.k8s.io", target.name, [cause])
    audiences = spec.get("audiences") or []
    if seconds > _LONGEST:
        cause = invalid(
            "spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"
        )
        raise InvalidError("TokenRequest", "authentication.k8s.io", target.name, [cause])
    text = core.tokens.issue(
        account,
        seconds=seconds,
        audiences=audiences,
        bound=_bound(core, target.namespace, spec.get("boundObjectRef")),
    )
    meta = account["metadata"]
    made = {
        **obj,
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
        "status": {"token": text, "expirationTimestamp": deadline(seconds)},
    }
    return Response(201, made)


def _bound(core: Core, namespace: str, reference: Obj | None) -> Obj | None:
    """Return what a token is bound to, with its uid; raises ApiError 404 when it is not there."""
    if not reference:
        return None
    kind, name = reference.get("kind", ""), reference.get("name", "")
    plural = _BINDABLE.get(kind)
    if plural is None:
        raise bad_request(f"cannot bind token for serviceaccount to object of type {kind}")
    found = core.find(plural, namespace, name)
    if found is None:
        raise not_found(Group(plural), name)
    uid = found["metadata"]["uid"]
    if reference.get("uid", uid) != uid:
        why = (
            f"the UID in the bound object reference ({reference['uid']}) does not match the UID in"
        )
        raise conflict(
            Group(plural),
            name,
            f"{why} record. The object might have been deleted and then recreated",
        )
    return {**reference, "uid": uid}
