"""The API in memory, asked by whoever a test wants to be."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from drydock.cluster.api import Api
from drydock.cluster.errors import Obj
from drydock.cluster.message import Request, Response, User
from drydock.cluster.store import Store

RBAC = "rbac.authorization.k8s.io"


class Asker:
    """One user of an API."""

    def __init__(self, api: Api, name: str, *groups: str) -> None:
        self.api = api
        self.user = User(name, (*groups, "system:authenticated"))

    async def ask(
        self, method: str, path: str, body: Obj | None = None, **headers: str
    ) -> Response:
        """Send a request; `path` may hold a query."""
        plain, _, text = path.partition("?")
        query = dict(part.partition("=")[::2] for part in text.split("&") if part)
        lists = {name: [value] for name, value in query.items()}
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        sent = {"content-type": kind, "user-agent": "test"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps(body).encode() if body is not None else b""
        return await self.api.handle(Request(method, plain, self.user, query, lists, sent, data))

    async def create(self, obj: Obj) -> Response:
        """Create an object in its namespace."""
        kind = f"{obj['apiVersion']}/{obj['kind']}"
        path = self.api.path(kind, obj["metadata"].get("namespace", "default"))
        return await self.ask("POST", path, obj)


@pytest.fixture
def api() -> Iterator[Api]:
    store = Store()
    yield Api(store)
    store.close()


@pytest.fixture
def admin(api: Api) -> Asker:
    return Asker(api, "admin", "system:masters")


@pytest.fixture
def jane(api: Api) -> Asker:
    return Asker(api, "jane", "dev")


def role(name: str, *rules: Obj, kind: str = "Role", **meta: object) -> Obj:
    """Make a Role or ClusterRole."""
    about = {"name": name, **meta}
    if kind == "Role":
        about["namespace"] = "default"
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": about, "rules": list(rules)}


def rule(verbs: str, resources: str, group: str = "", **more: object) -> Obj:
    """Make a rule of space-separated words."""
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split(), **more}


def binding(name: str, to: str, user: str = "jane", kind: str = "Role") -> Obj:
    """Bind a user to a role in the namespace `default`."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": "default"},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": to},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
