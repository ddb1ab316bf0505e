"""Paths below an object that are not the object: scale, eviction, binding, token, logs, exec, proxy."""

from __future__ import annotations

from drydock.cluster.core import Core
from drydock.cluster.errors import unknown_path
from drydock.cluster.message import Request, Response
from drydock.cluster.route import Target
from drydock.cluster.subresources import http_proxy, pods, scale, streams
from drydock.cluster.subresources.pods import binding
from drydock.cluster.subresources.token import token

CONNECT = frozenset({"log", "exec", "attach", "portforward", "proxy"})

__all__ = ["CONNECT", "binding", "handle"]


async def handle(core: Core, target: Target, request: Request) -> Response:
    """Answer a request for a subresource other than status and finalize."""
    name = target.subresource
    if name == "scale":
        return scale.handle(core, target, request)
    if name == "eviction":
        return pods.evict(core, target, request)
    if name == "binding":
        return binding(core, target, request)
    if name == "token":
        return token(core, target, request)
    if name in ("ephemeralcontainers", "resize"):
        return pods.part(core, target, request)
    if name == "log":
        return await streams.log(core, target, request)
    if name in ("exec", "attach"):
        return streams.command(core, target, request)
    if name == "portforward":
        return streams.port_forward(core, target, request)
    if name == "proxy":
        return await http_proxy.pass_on(core, target, request)
    raise unknown_path()
