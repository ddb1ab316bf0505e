"""The whole API: a request in, a response out.

The server and the in-process client call `Api.handle`; nothing here knows about HTTP or TLS. The road
of a request: impersonation, route, authorisation, verb, and the form in which the answer is wanted.
Invariant: every error leaves as a Status, never as an exception.
"""

from __future__ import annotations

import logging

from drydock.cluster import subresources
from drydock.cluster.access import Authorizer, acting_user
from drydock.cluster.access.reviews import review
from drydock.cluster.bootstrap import store_first_objects
from drydock.cluster.client import InProcessClient, Kind
from drydock.cluster.core import Core, stored_as
from drydock.cluster.custom import serve
from drydock.cluster.custom.definitions import DEFINITIONS
from drydock.cluster.errors import ApiError, internal, method_not_allowed, unknown_path
from drydock.cluster.message import Request, Response, User
from drydock.cluster.node import Node
from drydock.cluster.plain import Plain
from drydock.cluster.resources import Resource
from drydock.cluster.route import Target, is_resource_path, resolve
from drydock.cluster.selectors import selected_name
from drydock.cluster.store import Store
from drydock.cluster.tables import presented
from drydock.cluster.tokens import Tokens
from drydock.cluster.verbs.create import create
from drydock.cluster.verbs.delete import delete, delete_collection
from drydock.cluster.verbs.patch import patch
from drydock.cluster.verbs.read import get, list_objects
from drydock.cluster.verbs.update import update
from drydock.cluster.verbs.watch import watch

_log = logging.getLogger(__name__)
ADMIN = User("system:admin", ("system:masters", "system:authenticated"))
_LATEST_WARNING = {
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
}


class Api:
    """A cluster's API over one store."""

    def __init__(self, store: Store, *, tokens: Tokens | None = None) -> None:
        self.core = Core(store, tokens or Tokens.ephemeral())
        self.authorizer = Authorizer(self.core)
        self._plain = Plain(self.core)
        self._start()

    @property
    def node(self) -> Node | None:
        """Return the node that answers logs and exec."""
        return self.core.node

    @node.setter
    def node(self, node: Node | None) -> None:
        self.core.node = node

    def client(self, manager: str) -> InProcessClient:
        """Return a client that may do everything, under a field manager's name."""
        user = User(f"system:{manager}", ("system:masters", "system:authenticated"))
        return InProcessClient(self, user=user, manager=manager)

    def path(self, kind: str, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Return the URL path of `apps/v1/Deployment`; raises ApiError 404 for an unknown kind."""
        group_version, _, short = kind.rpartition("/")
        row = self.core.registry.kind(group_version, short)
        if row is None:
            raise unknown_path()
        parts = ["/apis" if row.group else "/api", group_version]
        if row.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(row.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)

    def kinds(self) -> list[Kind]:
        """Return the stored kinds, one version of each."""
        found: dict[str, Resource] = {}
        for row in self.core.registry:
            if row.stored and "list" in row.verbs and row.plural != "componentstatuses":
                found.setdefault(stored_as(row), row)
        return [
            Kind(f"{row.group_version}/{row.kind}", row.namespaced, f"{row.plural}.{row.group}")
            for row in found.values()
        ]

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        try:
            return await self._handle(request)
        except ApiError as error:
            return refused(error, request)
        except Exception:  # noqa: BLE001 - whatever breaks, the client gets a Status
            _log.exception("%s %s failed", request.method, request.path)
            return refused(internal("Internal error occurred: see the cluster's log"), request)

    async def _handle(self, request: Request) -> Response:
        request.user = acting_user(self.authorizer, request)
        if not is_resource_path(request.path):
            verb = request.method.lower()
            self.authorizer.require_path(request.user, verb, request.path)
            return self._plain.answer(request)
        target = resolve(self.core.registry, request)
        self.authorizer.require(request.user, target, selected=selected_name(request))
        response = await self._verb(target, request)
        if not target.resource.stored or target.subresource in subresources.CONNECT:
            return response
        warning = _LATEST_WARNING.get(target.resource.plural)
        if warning and not target.resource.group:
            response.warnings.append(warning)
        return presented(self.core, target, request, response)

    async def _verb(self, target: Target, request: Request) -> Response:
        core, verb = self.core, target.verb
        if not target.resource.stored:
            if target.resource.kind == "Binding":
                return subresources.binding(core, target, request)
            return review(core, self.authorizer, target, request)
        if target.subresource and target.subresource not in ("status", "finalize", "approval"):
            return await subresources.handle(core, target, request)
        if verb == "get":
            return get(core, target, request)
        if verb == "list":
            return await list_objects(core, target, request)
        if verb == "watch":
            return watch(core, target, request)
        if verb == "create":
            return create(core, target, request)
        if verb == "update":
            return update(core, target, request)
        if verb == "patch":
            return patch(core, target, request)
        if verb == "delete":
            return delete(core, target, request)
        if verb == "deletecollection":
            return delete_collection(core, target, request)
        raise method_not_allowed()

    def _start(self) -> None:
        """Store what every cluster has, and serve the stored definitions."""
        core = self.core
        store_first_objects(core)
        for definition in core.store.all(DEFINITIONS):
            serve(core, definition)
        core.store.compact()


def refused(error: ApiError, request: Request) -> Response:
    """Return the answer of an error; warnings that arose before are kept."""
    if error.content_type.startswith("text/"):
        return Response(error.code, error.message.encode(), error.content_type)
    return Response(
        error.code, error.status, headers=dict(error.headers), warnings=list(request.warnings)
    )


__all__ = ["ADMIN", "Api", "refused"]
