"""How controllers, kubelet, proxy and ingress reach the API: the same calls as over HTTP, in process.

`Client` is the face they are written against; `InProcessClient` is what `__main__` hands them. Objects
are plain dicts as in JSON; what list and watch hand out may be kept but not changed, what the other
calls return belongs to the caller.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from drydock.cluster.errors import ApiError, Json, Obj
from drydock.cluster.message import Request, Response, User

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
TOKEN_REQUEST = "authentication.k8s.io/v1/TokenRequest"  # noqa: S105 - a kind, not a secret

__all__ = [
    "APPLY_PATCH",
    "JSON_PATCH",
    "MERGE_PATCH",
    "STRATEGIC_PATCH",
    "ApiError",
    "Client",
    "InProcessClient",
    "Kind",
    "Obj",
]


@dataclass(frozen=True)
class Kind:
    """One kind that can be listed, watched and deleted; custom ones included."""

    name: str
    namespaced: bool
    resource: str = ""
    """Plural and group: `deployments.apps`, `pods.`"""


class Client(Protocol):
    """The API as its in-process users see it; kinds are written `apps/v1/Deployment`, `v1/Pod`."""

    async def get(
        self, kind: str, namespace: str | None, name: str, *, subresource: str = ""
    ) -> Obj:
        """Return one object or a subresource of it; raises ApiError (code 404 when it is absent)."""
        ...

    async def list(
        self, kind: str, namespace: str | None = None, selector: str = ""
    ) -> tuple[builtins.list[Obj], str]:
        """Return the objects (of every namespace when None) and the version they were read at."""
        ...

    def watch(self, kind: str, resource_version: str) -> AsyncIterator[tuple[str, Obj]]:
        """Yield (ADDED | MODIFIED | DELETED, object) after a version, for ever.

        Raises ApiError with code 410 when the version is too old: list again.
        """
        ...

    async def create(self, obj: Obj) -> Obj:
        """Create an object; its namespace stands in metadata."""
        ...

    async def update(self, obj: Obj, *, subresource: str = "") -> Obj:
        """Replace an object, or its `status`; code 409 when its resourceVersion is stale."""
        ...

    async def patch(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        patch: Obj | builtins.list[Obj],
        *,
        type: str = MERGE_PATCH,  # noqa: A002 - the word of the contract
        subresource: str = "",
    ) -> Obj:
        """Patch an object or a subresource of it; return the new state."""
        ...

    async def delete(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        *,
        grace_seconds: int | None = None,
        uid: str | None = None,
        policy: str = "",
    ) -> None:
        """Delete an object; `uid` makes sure that it is still the same one.

        `policy` says what becomes of its dependents (Background, Foreground, Orphan); the kind's own by default.
        """
        ...

    async def kinds(self) -> Sequence[Kind]:
        """Return what the API serves now, each kind in one version."""
        ...


class Handler(Protocol):
    """What the client needs of the API."""

    def kinds(self) -> Sequence[Kind]:
        """Return the stored kinds."""
        ...

    async def handle(self, request: Request) -> Response:
        """Answer a request; errors come as ApiError."""
        ...

    def path(self, kind: str, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Return the URL path of a kind."""
        ...


class InProcessClient:
    """A Client bound to one user and one field manager."""

    def __init__(self, api: Handler, *, user: User, manager: str) -> None:
        self._api = api
        self._user = user
        self._manager = manager

    def as_manager(self, manager: str) -> InProcessClient:
        """Return the same client under another field manager (`kubelet`, ...)."""
        return InProcessClient(self._api, user=self._user, manager=manager)

    async def get(
        self, kind: str, namespace: str | None, name: str, *, subresource: str = ""
    ) -> Obj:
        """Return one object."""
        return await self._call("GET", self._api.path(kind, namespace, name, subresource))

    async def list(
        self, kind: str, namespace: str | None = None, selector: str = ""
    ) -> tuple[builtins.list[Obj], str]:
        """Return the objects and the version they were read at."""
        query = {"labelSelector": selector} if selector else {}
        found = await self._call("GET", self._api.path(kind, namespace), query=query)
        group_version, _, short = kind.rpartition("/")
        items = [{"apiVersion": group_version, "kind": short, **item} for item in found["items"]]
        return items, found["metadata"]["resourceVersion"]

    async def watch(self, kind: str, resource_version: str) -> AsyncIterator[tuple[str, Obj]]:
        """Yield the changes after a version."""
        query = {"watch": "true", "resourceVersion": resource_version}
        answer = await self._api.handle(
            self._request("GET", self._api.path(kind, None), b"", query=query)
        )
        if answer.code >= 400:
            raise _refused(answer)
        stream = cast("AsyncIterator[Obj]", answer.body)
        async for event in stream:
            if event["type"] == "ERROR":
                status = event["object"]
                raise ApiError(status["code"], status.get("reason", ""), status["message"])
            yield event["type"], event["object"]

    async def create(self, obj: Obj) -> Obj:
        """Create an object."""
        kind, meta = f"{obj['apiVersion']}/{obj['kind']}", obj["metadata"]
        if kind == TOKEN_REQUEST:
            path = self._api.path("v1/ServiceAccount", meta["namespace"], meta["name"], "token")
        else:
            path = self._api.path(kind, meta.get("namespace"))
        return await self._call("POST", path, copied(obj))

    async def update(self, obj: Obj, *, subresource: str = "") -> Obj:
        """Replace an object or its status."""
        meta = obj["metadata"]
        kind = f"{obj['apiVersion']}/{obj['kind']}"
        path = self._api.path(kind, meta.get("namespace"), meta["name"], subresource)
        return await self._call("PUT", path, copied(obj))

    async def patch(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        patch: Obj | builtins.list[Obj],
        *,
        type: str = MERGE_PATCH,  # noqa: A002 - the word of the contract
        subresource: str = "",
    ) -> Obj:
        """Patch an object or a subresource of it."""
        path = self._api.path(kind, namespace, name, subresource)
        return await self._call("PATCH", path, copied(patch), content_type=type)

    async def delete(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        *,
        grace_seconds: int | None = None,
        uid: str | None = None,
        policy: str = "",
    ) -> None:
        """Delete an object."""
        options: Obj = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if policy:
            options["propagationPolicy"] = policy
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        await self._call("DELETE", self._api.path(kind, namespace, name), options)

    async def kinds(self) -> Sequence[Kind]:
        """Return what the API serves now, each kind in one version."""
        return self._api.kinds()

    def _request(self, method: str, path: str, body: Json, **more: Json) -> Request:
        query = {"fieldManager": self._manager, **more.get("query", {})}
        headers = {"content-type": more.get("content_type", "application/json")}
        headers["user-agent"] = self._manager
        lists = {name: [value] for name, value in query.items()}
        return Request(method, path, self._user, query, lists, headers, body)

    async def _call(self, method: str, path: str, body: Json = b"", **more: Json) -> Obj:
        # The API answers without ever waiting: without this pause, a busy controller would keep the
        # event loop for itself.
        await asyncio.sleep(0)
        answer = await self._api.handle(self._request(method, path, body, **more))
        if answer.code >= 400:
            raise _refused(answer)
        found = cast("Obj", answer.body)
        return found if "items" in found else cast("Obj", copied(found))


def _refused(answer: Response) -> ApiError:
    if isinstance(answer.body, bytes):
        return ApiError(answer.code, "", answer.body.decode())
    status = cast("Obj", answer.body)
    reason, details = status.get("reason", ""), status.get("details")
    return ApiError(status["code"], reason, status["message"], details)


def copied(value: Json) -> Json:
    """Return a deep copy of a JSON value (several times faster than copy.deepcopy)."""
    if isinstance(value, dict):
        return {name: copied(one) for name, one in value.items()}
    if isinstance(value, list):
        return [copied(one) for one in value]
    return value
