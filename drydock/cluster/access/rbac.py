"""Role-based access: find a rule that allows a request.

`Api` asks before every verb, the access reviews ask for somebody else. Groups `system:masters` may do
everything. Roles are read from the store each time, so a change counts at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drydock.cluster.core import Core
from drydock.cluster.errors import ApiError, Obj, forbidden
from drydock.cluster.message import User
from drydock.cluster.route import Target
from drydock.cluster.store import Key

MASTERS = "system:masters"
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Ask:
    """One question: may this verb be done to this resource, or to this path."""

    verb: str
    group: str = ""
    resource: str = ""  # with subresource: `pods/log`
    namespace: str = ""
    name: str = ""
    path: str = ""  # of a request that is about no resource


class Authorizer:
    """Answer questions from the stored roles and bindings."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def allows(self, user: User, ask: Ask) -> bool:
        """Say whether a user may."""
        if MASTERS in user.groups:
            return True
        return any(_grants(rule, ask) for rule in self.rules(user, ask.namespace))

    def rules(self, user: User, namespace: str) -> Iterator[Obj]:
        """Yield every rule a user has, cluster-wide and in a namespace."""
        store = self._core.store
        for binding in store.all(f"clusterrolebindings.{RBAC}"):
            if _names(binding, user, ""):
                yield from self._role(binding, "")
        if namespace:
            for binding in store.all(f"rolebindings.{RBAC}", namespace):
                if _names(binding, user, namespace):
                    yield from self._role(binding, namespace)

    def require(self, user: User, target: Target, *, selected: str = "") -> None:
        """Refuse a resource request with 403.

        `selected` is the one name that the field selector of a list or watch asks for.
        """
        resource = target.resource
        name = target.name or (selected if target.verb in ("list", "watch") else "")
        ask = Ask(target.verb, resource.group, target.resource_path, target.namespace, name)
        if self.allows(user, ask):
            return
        raise forbidden(resource.about, name, refusal(user, ask))

    def require_path(self, user: User, verb: str, path: str) -> None:
        """Refuse a request for a path with 403."""
        if not self.allows(user, Ask(verb, path=path)):
            text = f'forbidden: User "{user.name}" cannot {verb} path "{path}"'
            raise ApiError(403, "Forbidden", text, {})

    def _role(self, binding: Obj, namespace: str) -> Iterator[Obj]:
        reference = binding["roleRef"]
        if reference["kind"] == "ClusterRole":
            key = Key(f"clusterroles.{RBAC}", "", reference["name"])
        else:
            key = Key(f"roles.{RBAC}", namespace, reference["name"])
        role = self._core.store.get(key)
        if role is not None:
            yield from role.get("rules") or ()


def refusal(user: User, ask: Ask) -> str:
    """Return the words of a refusal."""
    where = f'in the namespace "{ask.namespace}"' if ask.namespace else "at the cluster scope"
    return (
        f'User "{user.name}" cannot {ask.verb} resource "{ask.resource}" in API group'
        f' "{ask.group}" {where}'
    )


def _names(binding: Obj, user: User, namespace: str) -> bool:
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "User" and name == user.name:
            return True
        if kind == "Group" and name in user.groups:
            return True
        if kind == "ServiceAccount":
            where = subject.get("namespace") or namespace
            if user.name == f"system:serviceaccount:{where}:{name}":
                return True
    return False


def _grants(rule: Obj, ask: Ask) -> bool:
    verbs = rule.get("verbs") or ()
    if ask.verb not in verbs and "*" not in verbs:
        return False
    if ask.path:
        return any(_path_matches(one, ask.path) for one in rule.get("nonResourceURLs") or ())
    groups = rule.get("apiGroups") or ()
    if ask.group not in groups and "*" not in groups:
        return False
    names = rule.get("resourceNames") or ()
    if names and ask.name not in names:
        return False
    sub = ask.resource.partition("/")[2]
    resources = rule.get("resources") or ()
    return "*" in resources or ask.resource in resources or (bool(sub) and f"*/{sub}" in resources)


def _path_matches(pattern: str, path: str) -> bool:
    if pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    return pattern == path
