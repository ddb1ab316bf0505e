"""What lists and watches may be asked for: versions, their match, tokens to go on with.

`read` and `watch` call it before they look at the store. The refusals are those of a real server.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass

from drydock.cluster.errors import ApiError, Cause, bad_request, expired
from drydock.cluster.go_json import GoJsonError, loads
from drydock.cluster.message import Request
from drydock.cluster.store import Key
from drydock.cluster.verbs import options

NEWEST = -1
"""The version of a token that goes on with whatever is there by then."""
_MATCH = "resourceVersionMatch"
_TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105 - a version, not a secret


@dataclass(frozen=True)
class Token:
    """Where the next page begins, and the version that it is read at."""

    version: int
    namespace: str
    name: str


def check_list(request: Request) -> None:
    """Refuse a list whose options contradict each other (422)."""
    match, version = request.query.get(_MATCH, ""), request.query.get("resourceVersion", "")
    causes: list[Cause] = []
    if match:
        if not version:
            why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            causes.append(_forbidden(_MATCH, why))
        causes += _with_continue(request)
        if match not in ("Exact", "NotOlderThan"):
            causes.append(options.unsupported(_MATCH, match, ["Exact", "NotOlderThan", ""]))
        if match == "Exact" and version == "0":
            why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            causes.append(_forbidden(_MATCH, why))
    if "sendInitialEvents" in request.query:
        why = "sendInitialEvents is forbidden for list"
        causes.append(_forbidden("sendInitialEvents", why))
    if causes:
        raise options.options_error("ListOptions", *causes)


def check_watch(request: Request) -> None:
    """Refuse a watch whose options contradict each other (422)."""
    match, initial = request.query.get(_MATCH, ""), "sendInitialEvents" in request.query
    causes: list[Cause] = []
    if initial and match != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        causes.append(_forbidden(_MATCH, why))
    if match:
        if not initial:
            why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            causes.append(_forbidden(_MATCH, why))
        if match != "NotOlderThan":
            causes.append(options.unsupported(_MATCH, match, ["NotOlderThan"]))
        causes += _with_continue(request)
    if causes:
        raise options.options_error("ListOptions", *causes)


def version_of(request: Request) -> int | None:
    """Return the asked resourceVersion; raises ApiError 400."""
    text = request.query.get("resourceVersion", "")
    if not text:
        return None
    if not text.isdigit():
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}": strconv.ParseUint:'
            f' parsing "{text}": invalid syntax'
        )
    return int(text)


def written(version: int, key: Key) -> str:
    """Return the token for the page that begins with a key."""
    start = f"{key.namespace}/{key.name}" if key.namespace else key.name
    value = {"v": _TOKEN_VERSION, "rv": version, "start": start}
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read_token(text: str) -> Token:
    """Read a token; raises ApiError 400 for what no server has written."""
    value = _decoded(text)
    if not isinstance(value, dict) or value.get("v") != _TOKEN_VERSION:
        given = value.get("v", "") if isinstance(value, dict) else ""
        raise _broken(f"server does not recognize this encoded version {given}")
    version, start = value.get("rv", 0), value.get("start", "")
    if not isinstance(version, int) or version == 0:
        raise _broken(f"incorrect encoded start resourceVersion (version {_TOKEN_VERSION})")
    if not isinstance(start, str) or not start:
        raise _broken(f"encoded start key empty (version {_TOKEN_VERSION})")
    if {"", ".", ".."} & set(start.removeprefix("/").split("/")):
        raise _broken(start)
    namespace, _, name = start.removeprefix("/").rpartition("/")
    return Token(version, namespace, name)


def too_old(token: Token) -> ApiError:
    """Return the 410 of a token whose version is forgotten; it offers one that goes on all the same."""
    error = expired(
        "The provided continue parameter is too old to display a consistent list result. You can"
        " start a new list without the continue parameter, or use the continue token in this"
        " response to retrieve the remainder of the results. Continuing with the provided token"
        " results in an inconsistent list - objects that were created, modified, or deleted"
        " between the time the first chunk was returned and now may show up in the list."
    )
    error.meta = {"continue": written(NEWEST, Key("", token.namespace, token.name))}
    return error


def _decoded(text: str) -> object:
    alien = re.search(r"[^A-Za-z0-9_\-\r\n]", text)
    if alien is not None:
        raise _broken(f"illegal base64 data at input byte {alien.start()}")
    plain = re.sub(r"[\r\n]", "", text)
    if len(plain) % 4 == 1:
        raise _broken(f"illegal base64 data at input byte {len(text)}")
    data = base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    try:
        return loads(data.decode("utf-8", "replace"))
    except GoJsonError as error:
        raise _broken(str(error)) from error


def _broken(why: str) -> ApiError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")


def _with_continue(request: Request) -> list[Cause]:
    if not request.query.get("continue"):
        return []
    return [_forbidden(_MATCH, "resourceVersionMatch is forbidden when continue is provided")]


def _forbidden(field: str, why: str) -> Cause:
    return Cause(field, "FieldValueForbidden", f"Forbidden: {why}")
