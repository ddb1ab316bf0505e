"""PUT of a whole object, or of its status."""

from __future__ import annotations

from drydock.cluster import body, strategy
from drydock.cluster.core import Core
from drydock.cluster.errors import bad_request, method_not_allowed, not_found
from drydock.cluster.message import Request, Response
from drydock.cluster.route import Target
from drydock.cluster.verbs import options
from drydock.cluster.verbs.write import Write, store_changed, store_new


def update(core: Core, target: Target, request: Request) -> Response:
    """Replace an object; kinds that allow it are created when absent (201)."""
    resource = target.resource
    if not target.name:
        raise method_not_allowed()
    options.field_validation(request, "UpdateOptions")
    dry = options.dry_run(request, "UpdateOptions")
    obj, warnings = body.read(core, request, resource)
    request.warnings = warnings
    meta = obj["metadata"]
    name = meta.setdefault("name", target.name)
    if name != target.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        )
    if resource.namespaced and meta.setdefault("namespace", target.namespace) != target.namespace:
        raise bad_request("the namespace of the object does not match the namespace on the request")
    write = Write(core, target, request, dry)
    old = core.store.get(core.key(resource, target.namespace, target.name))
    if old is None:
        if target.subresource or resource.qualified not in strategy.CREATED_BY_UPDATE:
            raise not_found(resource.about, target.name)
        return Response(201, store_new(write, obj), warnings=warnings)
    return Response(200, store_changed(write, old, obj), warnings=warnings)
