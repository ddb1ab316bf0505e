"""From the bytes of a request to a decoded object, with the refusals of a real server.

Create, update and the patch verb come here. Invariant: what leaves is normalised along its shape
and has `apiVersion` and `kind` of the URL.
"""

from __future__ import annotations

import yaml

from drydock.cluster.core import Core
from drydock.cluster.errors import ApiError, Json, Obj, bad_request
from drydock.cluster.go_json import GoJsonError, loads
from drydock.cluster.message import Request
from drydock.cluster.protobuf import PROTOBUF, decode_protobuf
from drydock.cluster.resources import Resource
from drydock.cluster.schema import Shape, decode
from drydock.cluster.schema.decode import DecodeError

_JSON = ("application/json", "")
_YAML = ("application/yaml",)
UNKNOWN_FORMAT = "the body of the request was in an unknown format - accepted media types include: "


def raw(request: Request, kind: str) -> Json:
    """Read the body by its content type; raises ApiError 400 or 415."""
    if not isinstance(request.body, bytes):
        return request.body
    if request.content_type == PROTOBUF:
        return decode_protobuf(request.body)
    if request.content_type in _YAML:
        try:
            return yaml.safe_load(request.body)
        except yaml.YAMLError as error:
            raise bad_request(f"error converting YAML to JSON: {error}") from error
    if request.content_type not in _JSON:
        accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
        raise ApiError(415, "UnsupportedMediaType", UNKNOWN_FORMAT + accepted)
    text = request.body.decode("utf-8", "replace")
    try:
        return loads(text)
    except GoJsonError as error:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get "
            f"version/kind; json parse error: {error} ({text[:1024] or '<empty>'})"
        ) from error


def read(core: Core, request: Request, resource: Resource, kind: str = "") -> tuple[Obj, list[str]]:
    """Return the decoded object of a create or update, and its warnings."""
    wanted, version = kind or resource.kind, resource.group_version
    found = raw(request, wanted)
    if not isinstance(found, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {wanted})")
    given = found.get("kind") or wanted
    given_version = found.get("apiVersion") or version
    if given != wanted:
        raise bad_request(_mismatch(given, given_version, wanted))
    if given_version != version:
        raise bad_request(
            f"the API version in the data ({given_version}) does not match the expected API"
            f" version ({version})"
        )
    shape = core.shapes.of_kind(version, wanted)
    return check(request, shape, found, version, wanted)


def check(
    request: Request, shape: Shape, found: Obj, version: str, kind: str
) -> tuple[Obj, list[str]]:
    """Decode a value of a known kind; unknown fields end in an error, warnings or silence."""
    intro = f'{kind} in version "{version.rpartition("/")[2]}" cannot be handled as a {kind}: '
    try:
        decoded = decode(shape, found)
    except DecodeError as error:
        raise bad_request(intro + str(error)) from error
    unknown = [f'unknown field "{path}"' for path in decoded.unknown]
    mode = request.query.get("fieldValidation") or "Warn"
    if unknown and mode == "Strict":
        raise bad_request(intro + "strict decoding error: " + ", ".join(unknown))
    value = {name: one for name, one in decoded.value.items() if name not in ("kind", "apiVersion")}
    made = {"kind": kind, "apiVersion": version, **value}
    made.setdefault("metadata", {})
    return made, unknown if mode == "Warn" else []


def _mismatch(given: str, version: str, wanted: str) -> str:
    group, _, short = version.rpartition("/")
    package = group.partition(".")[0] or "core"
    return (
        f'{given} in version "{short}" cannot be handled as a {wanted}: converting '
        f"({short}.{given}) to ({package}.{wanted}): unknown conversion"
    )
