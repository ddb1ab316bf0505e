"""`serviceaccounts/token`: issue a token that is good for a while."""

from __future__ import annotations

from drydock.cluster import body
from drydock.cluster.core import Core
from drydock.cluster.errors import InvalidError, not_found
from drydock.cluster.message import Request, Response
from drydock.cluster.route import Target
from drydock.cluster.schema import normal
from drydock.cluster.validation.causes import invalid
from drydock.cluster.verbs.write import deadline

_SHORTEST = 600
_HOUR = 3600


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
    text = core.tokens.issue(
        account, seconds=seconds, audiences=audiences, bound=spec.get("boundObjectRef")
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
