"""Acting as somebody else: `kubectl --as`, with groups, uid and extras.

`Api` asks first of all. Invariant: whoever asks needs the verb `impersonate` for every single part of
the identity that is put on.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from drydock.cluster.access.rbac import Ask, Authorizer, refusal
from drydock.cluster.errors import Group, forbidden, internal
from drydock.cluster.message import Request, User

AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
ANONYMOUS = "system:anonymous"
_ACCOUNT = "system:serviceaccount:"
_IDENTITY = "authentication.k8s.io"
_EXTRA = "impersonate-extra-"


def acting_user(authorizer: Authorizer, request: Request) -> User:
    """Return the user that a request is made as; raises ApiError 403, or 500 for half an identity."""
    name = request.headers.get("impersonate-user", "")
    groups = [one for one in request.headers.get("impersonate-group", "").split("\n") if one]
    uid = request.headers.get("impersonate-uid", "")
    extra = {
        unquote(key.removeprefix(_EXTRA)): tuple(value.split("\n"))
        for key, value in request.headers.items()
        if key.startswith(_EXTRA)
    }
    if not name:
        if groups or uid or extra:
            raise internal(
                "Internal error occurred: requested groups, uid or extras without impersonating a user"
            )
        return request.user
    for ask in _asks(name, groups, uid, extra):
        if not authorizer.allows(request.user, ask):
            about = Group(ask.resource.partition("/")[0], ask.group)
            raise forbidden(about, ask.name, refusal(request.user, ask))
    return User(name, tuple(_all_groups(name, groups)), uid, extra)


def _asks(
    name: str, groups: list[str], uid: str, extra: dict[str, tuple[str, ...]]
) -> Iterator[Ask]:
    verb = "impersonate"
    account = name.removeprefix(_ACCOUNT).split(":")
    if name.startswith(_ACCOUNT) and len(account) == 2:
        yield Ask(verb, "", "serviceaccounts", account[0], account[1])
    else:
        yield Ask(verb, "", "users", name=name)
    for group in groups:
        yield Ask(verb, "", "groups", name=group)
    for key, values in extra.items():
        for value in values:
            yield Ask(verb, _IDENTITY, f"userextras/{key}", name=value)
    if uid:
        yield Ask(verb, _IDENTITY, "uids", name=uid)


def _all_groups(name: str, groups: list[str]) -> list[str]:
    """Add what every user of a kind belongs to."""
    account = name.removeprefix(_ACCOUNT).split(":")
    if not groups and name.startswith(_ACCOUNT) and len(account) == 2:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account[0]}"]
    if name == ANONYMOUS:
        return groups if UNAUTHENTICATED in groups else [*groups, UNAUTHENTICATED]
    known = AUTHENTICATED in groups or UNAUTHENTICATED in groups
    return groups if known else [*groups, AUTHENTICATED]
