"""PATCH in its four formats."""

from __future__ import annotations

import yaml

from drydock.cluster import body, strategy
from drydock.cluster.client import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, copied
from drydock.cluster.core import Core
from drydock.cluster.errors import (
    ApiError,
    Cause,
    InvalidError,
    Json,
    Obj,
    bad_request,
    internal,
    method_not_allowed,
    not_found,
)
from drydock.cluster.go_json import GoJsonError, loads
from drydock.cluster.go_text import go_map
from drydock.cluster.message import Request, Response
from drydock.cluster.patch import (
    PatchError,
    StrategicError,
    json_patch,
    merge_patch,
    strategic_merge,
)
from drydock.cluster.route import Target
from drydock.cluster.schema import decode, normal
from drydock.cluster.schema.decode import Decoded, DecodeError
from drydock.cluster.server_side_apply import applied
from drydock.cluster.server_side_apply.typed import TypedError, check
from drydock.cluster.verbs import options
from drydock.cluster.verbs.write import Write, store_changed, store_new


def patch(core: Core, target: Target, request: Request) -> Response:
    """Change an object; an apply patch creates it when it is absent (201)."""
    if not target.name:
        raise method_not_allowed()
    kind = request.content_type
    allowed = [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH]
    if target.resource.custom:
        allowed.remove(STRATEGIC_PATCH)
    if kind not in (*allowed, STRATEGIC_PATCH):
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    if kind not in allowed:
        text = body.UNKNOWN_FORMAT + ", ".join(allowed)
        raise ApiError(415, "UnsupportedMediaType", text)
    options.field_validation(request, "PatchOptions")
    write = Write(core, target, request, options.dry_run(request, "PatchOptions"))
    old = core.store.get(core.key(target.resource, target.namespace, target.name))
    if kind == APPLY_PATCH:
        return _apply(write, old)
    if old is None:
        raise not_found(target.resource.about, target.name)
    document = _document(request)
    new, warnings = changed(write, old, document)
    request.warnings = warnings
    return Response(200, store_changed(write, old, new), warnings=warnings)


def changed(write: Write, old: Obj, document: Json) -> tuple[Obj, list[str]]:
    """Return the patched, decoded object and warnings about unknown fields."""
    request, shape = write.request, write.core.shape(write.resource)
    kind = request.content_type
    given: object = None
    try:
        if kind == JSON_PATCH:
            if not isinstance(document, list):
                raise bad_request(
                    "error decoding patch: json: cannot unmarshal object into Go value of type"
                    " jsonpatch.Patch"
                )
            made = json_patch(old, document)
        elif kind == MERGE_PATCH:
            made = merge_patch(copied(old), document)
        else:
            given = document
            made = strategic_merge(shape, copied(old), document)
    except PatchError:
        text = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", text, {}) from None
    except StrategicError as error:
        raise bad_request(str(error)) from error
    try:
        decoded = decode(shape, made)
    except DecodeError as error:
        shown = go_map(given) if given is not None else go_map(made)
        text = error.conversion if given is not None else str(error)
        cause = Cause("patch", "FieldValueInvalid", f'Invalid value: "{shown}": {text}')
        raise InvalidError("", "", "", [cause]) from error
    return _head(old, decoded), _unknown(request, decoded)


def _unknown(request: Request, decoded: Decoded) -> list[str]:
    unknown = [f'unknown field "{path}"' for path in decoded.unknown]
    mode = request.query.get("fieldValidation") or "Warn"
    if unknown and mode == "Strict":
        text = "strict decoding error: " + ", ".join(unknown)
        cause = Cause("patch", "FieldValueInvalid", f"Invalid value: {text}")
        raise InvalidError("", "", "", [cause])
    return unknown if mode == "Warn" else []


def _document(request: Request) -> Json:
    if not isinstance(request.body, bytes):
        return request.body
    try:
        found = loads(request.body.decode("utf-8", "replace"))
    except GoJsonError as error:
        raise bad_request(str(error)) from error
    if request.content_type != JSON_PATCH and not isinstance(found, dict):
        raise bad_request(
            "json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    return found


def _apply(write: Write, old: Obj | None) -> Response:
    request, target = write.request, write.target
    resource, core = target.resource, write.core
    if not request.query.get("fieldManager"):
        cause = Cause(
            "fieldManager", "FieldValueRequired", "Required value: is required for apply patch"
        )
        raise options.options_error("PatchOptions", cause)
    config = _configuration(request)
    meta = config.setdefault("metadata", {})
    if meta.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    version, kind = resource.group_version, resource.kind
    given = (config.get("apiVersion"), config.get("kind"))
    if given != (version, kind):
        raise bad_request(
            f"the object provided is unrecognized (must be {version}, Kind={kind}): {given}"
        )
    if meta.setdefault("name", target.name) != target.name:
        raise bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL ({target.name})"
        )
    if resource.namespaced:
        meta.setdefault("namespace", target.namespace)
    shape = core.shape(resource)
    try:
        check(shape, config)
    except TypedError as error:
        where = f"{target.namespace}/{target.name}" if target.namespace else f"/{target.name}"
        raise internal(
            f"failed to create typed patch object ({where}; {version}, Kind={kind}): {error}"
        ) from error
    try:
        clean = decode(shape, config).value
    except DecodeError as error:
        raise internal(
            f"failed to create typed patch object ({target.namespace}/{target.name}; {version},"
            f" Kind={kind}): {error}"
        ) from error
    config = _only_given(config, clean)
    live = old if old is not None else _head(config, Decoded(normal(shape, {})))
    reset = strategy.reset_fields(resource, target.subresource)
    force = options.flag(request, "force")
    if old is None and target.subresource:
        raise not_found(resource.about, target.name)
    merged = applied(shape, live, config, write.writer("Apply"), reset, force=force)
    if old is not None and merged is None:
        return Response(200, old)
    made = _head(config, Decoded(normal(shape, merged if merged is not None else config)))
    if old is None:
        return Response(201, store_new(write, made, apply=True), warnings=request.warnings)
    given_version = meta.get("resourceVersion")
    if given_version:
        made["metadata"]["resourceVersion"] = given_version
    return Response(200, store_changed(write, old, made, apply=True), warnings=request.warnings)


def _configuration(request: Request) -> Obj:
    if not isinstance(request.body, bytes):
        return dict(request.body) if isinstance(request.body, dict) else {}
    try:
        found = yaml.safe_load(request.body)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error
    if not isinstance(found, dict):
        raise bad_request("error decoding YAML: the patch is not an object")
    return found


def _only_given(config: Json, clean: Json) -> Json:
    """Take the canonical values of what the configuration names, and nothing that it does not."""
    if isinstance(config, dict) and isinstance(clean, dict):
        return {
            name: _only_given(one, clean[name]) if name in clean else one
            for name, one in config.items()
        }
    if isinstance(config, list) and isinstance(clean, list) and len(config) == len(clean):
        return [_only_given(one, other) for one, other in zip(config, clean, strict=True)]
    return clean


def _head(old: Obj, decoded: Decoded) -> Obj:
    value = {k: v for k, v in decoded.value.items() if k not in ("kind", "apiVersion")}
    return {"kind": old["kind"], "apiVersion": old["apiVersion"], **value}
