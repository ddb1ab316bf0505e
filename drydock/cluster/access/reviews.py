"""The questions that are asked by POST: may I, what may I, who am I."""

from __future__ import annotations

from drydock.cluster import body
from drydock.cluster.access.rbac import MASTERS, Ask, Authorizer
from drydock.cluster.core import Core
from drydock.cluster.errors import Obj
from drydock.cluster.message import Request, Response, User
from drydock.cluster.route import Target


def review(core: Core, authorizer: Authorizer, target: Target, request: Request) -> Response:
    """Answer a review; nothing is stored."""
    obj, _ = body.read(core, request, target.resource)
    kind = target.resource.kind
    if kind == "SelfSubjectReview":
        obj["status"] = {"userInfo": _info(request.user)}
    elif kind == "SelfSubjectRulesReview":
        obj["status"] = _rules(authorizer, request.user, obj["spec"].get("namespace", ""))
    elif kind == "TokenReview":
        obj["status"] = _token(core, obj["spec"].get("token", ""))
    else:
        obj["status"] = _allowed(authorizer, _subject(kind, obj["spec"], request.user), obj["spec"])
    return Response(201, obj)


def _subject(kind: str, spec: Obj, user: User) -> User:
    if kind == "SelfSubjectAccessReview":
        return user
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()))


def _allowed(authorizer: Authorizer, user: User, spec: Obj) -> Obj:
    path = spec.get("nonResourceAttributes")
    if path is not None:
        ask = Ask(path.get("verb", ""), path=path.get("path", ""))
    else:
        wish = spec.get("resourceAttributes") or {}
        resource = wish.get("resource", "")
        if wish.get("subresource"):
            resource += f"/{wish['subresource']}"
        ask = Ask(
            wish.get("verb", ""),
            wish.get("group", ""),
            resource,
            wish.get("namespace", ""),
            wish.get("name", ""),
        )
    return {"allowed": authorizer.allows(user, ask)}


def _rules(authorizer: Authorizer, user: User, namespace: str) -> Obj:
    rules = list(authorizer.rules(user, namespace))
    if MASTERS in user.groups:
        rules.insert(0, {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})
        rules.insert(1, {"nonResourceURLs": ["*"], "verbs": ["*"]})
    return {
        "resourceRules": [rule for rule in rules if "nonResourceURLs" not in rule],
        "nonResourceRules": [
            {"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]}
            for rule in rules
            if "nonResourceURLs" in rule
        ],
        "incomplete": False,
    }


def _info(user: User) -> Obj:
    made: Obj = {"username": user.name}
    if user.uid:
        made["uid"] = user.uid
    made["groups"] = list(user.groups)
    if user.extra:
        made["extra"] = {name: list(values) for name, values in user.extra.items()}
    return made


def _token(core: Core, token: str) -> Obj:
    claims = core.tokens.check(token)
    if claims is None or not is_alive(core, claims):
        return {"user": {}, "error": "[invalid bearer token]"}
    return {"authenticated": True, "user": _info(account_user(claims)), "audiences": claims["aud"]}


def account_user(claims: Obj) -> User:
    """Return the user of a service account token."""
    inside = claims["kubernetes.io"]
    namespace = inside["namespace"]
    groups = (
        "system:serviceaccounts",
        f"system:serviceaccounts:{namespace}",
        "system:authenticated",
    )
    return User(claims["sub"], groups, inside["serviceaccount"]["uid"], _extra(claims))


def is_alive(core: Core, claims: Obj) -> bool:
    """Say whether the account of a token, and what it is bound to, still are those it was issued for."""
    inside = claims["kubernetes.io"]
    for field, plural in (
        ("serviceaccount", "serviceaccounts"),
        ("pod", "pods"),
        ("secret", "secrets"),
    ):
        if field not in inside:
            continue
        found = core.find(plural, inside["namespace"], inside[field]["name"])
        if found is None or found["metadata"]["uid"] != inside[field]["uid"]:
            return False
    return True


def _extra(claims: Obj) -> dict[str, tuple[str, ...]]:
    """Return what a token tells of its holder besides the account."""
    prefix, pod = "authentication.kubernetes.io/", claims["kubernetes.io"].get("pod")
    made: dict[str, tuple[str, ...]] = {}
    if claims.get("jti"):
        made[f"{prefix}credential-id"] = (f"JTI={claims['jti']}",)
    if pod is not None:
        made[f"{prefix}pod-name"], made[f"{prefix}pod-uid"] = (pod["name"],), (pod["uid"],)
    return made
