"""`Cluster` on a world: what the delivery sends comes to the store instead of to a socket."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from delivery.cluster import APPLY, Cluster, Obj
from tests.delivery.memory.store import RefusalError
from tests.delivery.memory.world import World

PLURALS = ("pods", "events", "services", "deployments", "horizontalpodautoscalers")
Point = Callable[[str, str], None]


class Killed(BaseException):
    """The process is gone, as after kill -9: nothing of it runs any more."""


class MemoryCluster(Cluster):
    """A client. `before` and `after` are called around every request with its method and path.

    What they raise takes the place of the answer: a `RefusalError` is one of the API server, a `Killed` ends the
    process; raised by `after`, the request was carried out nevertheless. A refusal of status 0 is no answer.
    """

    pause_seconds = 0.0

    def __init__(self, world: World) -> None:
        super().__init__(None, Path("/nowhere"))
        self.world = world
        self.before: Point = lambda _method, _path: None
        self.after: Point = lambda _method, _path: None
        self.writes: list[str] = []

    def kubectl(self, *args: str, **_more: object) -> str:
        """Say nothing to describe and logs; nobody asks for more here."""
        assert args[0] in ("describe", "logs"), args
        return ""

    def raw(
        self,
        method: str,
        path: str,
        body: Obj | None = None,
        content: str = "",
        seconds: float = 0,  # noqa: ARG002  here every answer comes at once
    ) -> tuple[int, bytes]:
        """Carry out a request."""
        parts = urlsplit(path)
        try:
            self.before(method, parts.path)
            answer = self._answer(method, parts.path, parse_qs(parts.query), body, content)
            if method != "GET":
                self.writes.append(f"{method} {parts.path}")
            self.after(method, parts.path)
        except RefusalError as refusal:
            if not refusal.status:
                raise ConnectionResetError(str(refusal)) from refusal
            return refusal.status, json.dumps({"message": str(refusal)}).encode()
        if isinstance(answer, int):
            return answer, b"{}"
        return 200, json.dumps(answer).encode()

    def _answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Obj | None, content: str
    ) -> Obj | int:
        store, manager = self.world.store, query.get("fieldManager", ["unknown"])[0]
        if "/proxy/" in path:
            return self.world.answer(path.split("/services/")[1].split(":")[0])
        if method == "GET" and "labelSelector" in query:
            pairs = unquote(query["labelSelector"][0]).split(",")
            return {"items": store.list(path, dict(pair.split("=") for pair in pairs))}
        if method == "GET":
            plural = path.rpartition("/")[2] in PLURALS
            return {"items": store.list(path)} if plural else store.get(path)
        if method == "POST":
            return store.create(path, body or {}, manager, self.world.now)
        if method == "PUT":
            return store.replace(path, body or {}, manager)
        if method == "PATCH" and content == APPLY:
            force = query.get("force") == ["true"]
            return store.apply(path, body or {}, manager, self.world.now, force=force)
        if method == "PATCH":
            return store.merge(path, body or {}, manager)
        store.delete(path, (body or {}).get("preconditions", {}))
        return {}
