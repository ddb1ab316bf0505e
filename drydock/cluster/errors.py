"""What the API answers when it refuses: one exception that carries a Kubernetes Status.

Every part of the cluster raises `ApiError`; the server sends its `status` as it stands, in-process
callers catch it and look at `code` and `reason`. The texts are those of a real API server, because
kubectl prints them to people.

    ApiError
    └── InvalidError   422 with one cause per wrong field
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Obj = dict[str, Any]
Json = Any  # a value of JSON: what a field holds is known by its schema, not by its Python type


@dataclass(frozen=True)
class Group:
    """Say which resource an error is about."""

    plural: str
    group: str = ""
    kind: str = ""

    @property
    def qualified(self) -> str:
        """Return `deployments.apps`, or `pods` in the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class ApiError(Exception):
    """A refusal with HTTP code, machine-readable reason, message and details."""

    def __init__(
        self, code: int, reason: str, message: str, details: Obj | None = None, *, shape: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.content_type = shape or "application/json"
        self.headers: dict[str, str] = {}
        self.meta: Obj = {}
        """The metadata of the Status: where a list that was refused can go on."""

    @property
    def status(self) -> Obj:
        """Return the Status object, in the field order of a real server."""
        made: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(self.meta),
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            made["reason"] = self.reason
        if self.details is not None:
            made["details"] = self.details
        made["code"] = self.code
        return made


@dataclass(frozen=True)
class Cause:
    """One wrong field: path, what kind of wrong, and the words."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class InvalidError(ApiError):
    """422: the object was understood and its values are refused."""

    def __init__(self, kind: str, group: str, name: str, causes: Sequence[Cause]) -> None:
        texts = list(dict.fromkeys(str(cause) for cause in causes))
        joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
        qualified = f"{kind}.{group}" if group else kind
        details: Obj = {"name": name} if name else {}
        if group:
            details["group"] = group
        if kind:
            details["kind"] = kind
        details["causes"] = [
            {"reason": c.reason, "message": c.message, "field": c.field} for c in causes
        ]
        super().__init__(422, "Invalid", f'{qualified} "{name}" is invalid: {joined}', details)
        self.causes = tuple(causes)


def not_found(about: Group, name: str) -> ApiError:
    """404 of one object."""
    return ApiError(404, "NotFound", f'{about.qualified} "{name}" not found', _details(about, name))


def already_exists(about: Group, name: str, message: str = "") -> ApiError:
    """409 of a creation."""
    text = message or f'{about.qualified} "{name}" already exists'
    return ApiError(409, "AlreadyExists", text, _details(about, name))


STALE = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def conflict(about: Group, name: str, why: str = STALE) -> ApiError:
    """409 of a write that names another version than the stored one."""
    text = f'Operation cannot be fulfilled on {about.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", text, _details(about, name))


def bad_request(message: str) -> ApiError:
    """400 of a request that cannot be read."""
    return ApiError(400, "BadRequest", message)


def forbidden(about: Group, name: str, why: str, causes: Sequence[Obj] = ()) -> ApiError:
    """403 of one resource; `name` may be empty for lists."""
    subject = f'{about.qualified} "{name}"' if name else about.qualified
    details = _details(about, name)
    if causes:
        details["causes"] = list(causes)
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def method_not_allowed(message: str = "") -> ApiError:
    """405 of a verb that a resource does not have."""
    text = message or "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", text, {})


def unknown_path() -> ApiError:
    """404 of a resource that its group does not have."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def expired(message: str) -> ApiError:
    """410 of a version that is no longer kept."""
    return ApiError(410, "Expired", message)


def internal(message: str) -> ApiError:
    """500 without a reason, as a real server words its own mistakes."""
    return ApiError(500, "", message)


def _details(about: Group, name: str) -> Obj:
    details: Obj = {"name": name} if name else {}
    if about.group:
        details["group"] = about.group
    details["kind"] = about.plural
    return details
