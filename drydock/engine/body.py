"""What clients send over HTTP: JSON objects, checked once, at the door."""

from __future__ import annotations

from typing import Any

from aiohttp import web


async def json_object(request: web.Request, **members: type) -> dict[str, Any]:
    """Return the JSON object of a request; `members` may be absent or null, else have these types.

    HTTP 400 says what else was sent.
    """
    try:
        found = await request.json()
    except ValueError:
        raise web.HTTPBadRequest(text="the body is no JSON\n") from None
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="the body is no JSON object\n")
    for name, kind in members.items():
        if found.get(name) is not None and not isinstance(found[name], kind):
            wanted = "an object" if kind is dict else "text"
            raise web.HTTPBadRequest(text=f'"{name}" in the body has to be {wanted}\n')
    return found
