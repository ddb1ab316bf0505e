"""POST of a new object."""

from __future__ import annotations

from drydock.cluster import body
from drydock.cluster.core import Core
from drydock.cluster.errors import method_not_allowed
from drydock.cluster.message import Request, Response
from drydock.cluster.route import Target
from drydock.cluster.verbs import options
from drydock.cluster.verbs.write import Write, store_new


def create(core: Core, target: Target, request: Request) -> Response:
    """Store a new object; answers 201 with it."""
    if target.name:
        raise method_not_allowed()
    options.field_validation(request, "CreateOptions")
    dry = options.dry_run(request, "CreateOptions")
    obj, warnings = body.read(core, request, target.resource)
    request.warnings = warnings
    made = store_new(Write(core, target, request, dry), obj)
    return Response(201, made, warnings=request.warnings)
