"""`services/NAME:PORT/proxy` and `pods/NAME:PORT/proxy`: one HTTP request, passed on to a pod.

The delivery verifies through it, as it needs no more than rights in one namespace. The node connects
to the pod; h11 speaks HTTP. Headers pass both ways as a real API server lets them: all but those of one
connection, without the caller's credentials, and without the pod's word on who else may read the answer (CORS),
which would be said in the API server's name. Unlike a real one it leaves links inside of HTML pages as they are.
Invariant: an answer is whole and bounded, or it is an error.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import h11

from drydock.cluster.controllers.endpoints import SERVICE_NAME
from drydock.cluster.core import Core
from drydock.cluster.errors import ApiError, Obj, bad_request, not_found
from drydock.cluster.message import Request, Response
from drydock.cluster.node import NodeError
from drydock.cluster.route import Target

LIMIT_BYTES = 16 * 1024 * 1024
PATIENCE_S = 30.0
PIECE = 1 << 16
BYTES = "application/octet-stream"
KEPT_IN_PATHS = "/:@!$&'()*+,;=~"
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, 7.6.1: meant for one connection, as are those that `Connection` itself names."""
NOT_ASKED_WITH = HOP_BY_HOP | {"authorization", "content-length", "host"}
NOT_ANSWERED_WITH = HOP_BY_HOP | {
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "content-length",
    "content-type",
}


async def pass_on(core: Core, target: Target, request: Request) -> Response:
    """Answer with what the pod answers; 503 when no pod can."""
    scheme, name, port = _parts(target.name)
    if scheme == "https":
        raise bad_request("https to a pod is not supported by this proxy")
    if target.resource.kind == "Service":
        pod, number = _endpoint(core, target.namespace, name, port)
    elif target.resource.kind == "Pod":
        pod, number = name, _number(port or _first_port(core, target.namespace, name))
    else:
        raise ApiError(501, "NotImplemented", "the node has no HTTP interface of its own")
    if core.node is None:
        raise unavailable("no node runs pods on this cluster")
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await core.node.port_forward(target.namespace, pod, number)
            try:
                return await _exchange(reader, writer, target, request)
            finally:
                writer.close()
    except NodeError as error:
        raise ApiError(error.status, "NotFound", str(error)) from error
    except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
        raise unavailable(f"error trying to reach service: {error or 'no answer'}") from error


def unavailable(message: str) -> ApiError:
    """Return the 503 of a backend that cannot answer."""
    return ApiError(503, "ServiceUnavailable", message)


def _parts(name: str) -> tuple[str, str, str]:
    """Split `[scheme:]name[:port]`."""
    pieces = name.split(":")
    if len(pieces) == 1:
        return "", pieces[0], ""
    if len(pieces) == 2:
        return "", pieces[0], pieces[1]
    return pieces[0], pieces[1], pieces[2]


def _number(port: str) -> int:
    if not port.isdigit():
        raise bad_request(f'"{port}" is not a port number')
    return int(port)


def _first_port(core: Core, namespace: str, name: str) -> str:
    """Return the first port that a pod's containers name, else that of HTTP."""
    pod = core.find("pods", namespace, name) or {"spec": {}}
    ports = [port for one in pod["spec"].get("containers") or () for port in one.get("ports") or ()]
    return str(ports[0]["containerPort"]) if ports else "80"


def _endpoint(core: Core, namespace: str, name: str, port: str) -> tuple[str, int]:
    """Choose a ready pod behind a Service and the port it listens on."""
    service = core.find("services", namespace, name)
    if service is None:
        row = core.registry.kind("v1", "Service")
        raise not_found(row.about, name) if row else unavailable(name)
    wanted = _port_name(service, port)
    found = [
        (endpoint["targetRef"]["name"], one["port"])
        for piece in core.store.all("endpointslices.discovery.k8s.io", namespace)
        if (piece["metadata"].get("labels") or {}).get(SERVICE_NAME) == name
        for one in piece.get("ports") or []
        if (one.get("name") or "") == wanted
        for endpoint in piece.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready") and endpoint.get("targetRef")
    ]
    if not found:
        raise unavailable(f'no endpoints available for service "{name}"')
    return random.choice(found)  # noqa: S311 - spreads load, guards nothing


def _port_name(service: Obj, port: str) -> str:
    """Find the Service port that is meant: by name, by number, or the only one."""
    ports = service["spec"].get("ports") or []
    if not port and len(ports) == 1:
        return str(ports[0].get("name") or "")
    for one in ports:
        if port and port in (one.get("name"), str(one["port"])):
            return str(one.get("name") or "")
    name = service["metadata"]["name"]
    raise unavailable(f'no service port "{port}" found for service "{name}"')


async def _exchange(
    reader: StreamReader, writer: StreamWriter, target: Target, request: Request
) -> Response:
    pairs = [(name, value) for name, values in request.queries.items() for value in values]
    slash = "/" if target.rest and request.path.endswith("/") else ""
    path = f"/{quote(target.rest, safe=KEPT_IN_PATHS)}{slash}"
    path += f"?{urlencode(pairs)}" if pairs else ""
    body = request.body if isinstance(request.body, bytes) else b""
    headers = [*_passing(request.headers.items(), NOT_ASKED_WITH)]
    headers += [("host", target.name), ("connection", "close"), ("content-length", str(len(body)))]
    connection = h11.Connection(h11.CLIENT)
    encoded = [(name.encode(), value.encode(errors="surrogateescape")) for name, value in headers]
    asked = h11.Request(method=request.method, target=path, headers=encoded)
    for message in (asked, h11.Data(body), h11.EndOfMessage()):
        writer.write(connection.send(message) or b"")
    await writer.drain()
    answer: h11.Response | None = None
    pieces: list[bytes] = []
    size = 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(PIECE))
        elif isinstance(event, h11.Response):
            answer = event
        elif isinstance(event, h11.Data):
            pieces.append(bytes(event.data))
            size += len(event.data)
            if size > LIMIT_BYTES:
                raise unavailable(f"the answer is larger than {LIMIT_BYTES} bytes")
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    if answer is None:
        raise unavailable("the pod closed the connection without an answer")
    told = [(name.decode(), _text(value)) for name, value in answer.headers]
    media_type = next((value for name, value in told if name == "content-type"), BYTES)
    passed_on = [
        (name, _through_here(value, target, request) if name == "location" else value)
        for name, value in _passing(told, NOT_ANSWERED_WITH)
    ]
    return Response(answer.status_code, b"".join(pieces), media_type, passed_on=passed_on)


def _passing(
    headers: Iterable[tuple[str, str]], kept_back: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield the headers that are not kept back, by their own names or by the header `Connection`."""
    listed = list(headers)
    named = {
        each.strip().lower()
        for name, value in listed
        if name == "connection"
        for each in value.split(",")
    }
    return ((name, value) for name, value in listed if name not in kept_back | named)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _through_here(location: str, target: Target, request: Request) -> str:
    """Make a redirect to a path of the pod lead through this proxy again; others stay as they are."""
    parts = urlsplit(location)
    if parts.netloc not in ("", target.name) or not parts.path.startswith("/"):
        return location
    path = request.path.rstrip("/")
    before = path.removesuffix(f"/{target.rest}") if target.rest else path
    if parts.path.startswith(f"{before}/"):
        return location
    return urlunsplit(("", "", before + parts.path, parts.query, parts.fragment))
