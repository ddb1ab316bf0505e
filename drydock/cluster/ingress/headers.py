"""The headers that a pod gets: the client's, and what ingress-nginx tells about the client.

As it trusts nobody in front of it by default, what the client says about itself is replaced; the
address that it claims stands in X-Original-Forwarded-For.
"""

from __future__ import annotations

import uuid

from aiohttp import hdrs, web
from multidict import CIMultiDict

HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_HTTPOXY = "proxy"
"""A CGI program would take this header for its HTTP_PROXY variable."""
_NOBODY = "127.0.0.1"


def sendable(value: str) -> str:
    """Make text that can be sent of bytes that are no UTF-8: each as the character that it is in Latin-1.

    aiohttp reads such bytes as lone surrogates, and leaves those out when it writes.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode(errors="surrogateescape").decode("latin-1")
    return value


def forwarded(request: web.Request, *, port: int, prefix: str = "") -> CIMultiDict[str]:
    """Write the headers of a request for the pod; `port` is the ingress's own, `prefix` what was cut off."""
    named = request.headers.get(hdrs.CONNECTION, "").split(",")
    dropped = HOP_BY_HOP | {_HTTPOXY} | {name.strip().lower() for name in named}
    headers = CIMultiDict(
        (name, sendable(value))
        for name, value in request.headers.items()
        if name.lower() not in dropped
    )
    peer = request.remote or _NOBODY
    claimed = request.headers.get("X-Forwarded-For")
    if claimed:
        headers["X-Original-Forwarded-For"] = claimed
    if not headers.get("X-Request-ID"):
        headers["X-Request-ID"] = uuid.uuid4().hex
    headers["X-Real-IP"] = headers["X-Forwarded-For"] = peer
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-Port"] = str(port)
    for name in ("X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme"):
        headers[name] = request.scheme
    if prefix:
        headers["X-Forwarded-Prefix"] = prefix
    return headers
