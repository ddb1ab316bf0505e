"""Nobody gives away rights that he does not have: checks of roles and bindings that are written.

Admission calls it. Whoever has the verb `escalate` on a role, or `bind` on the role that a binding
names, may all the same, and so may `system:masters`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING

from drydock.cluster.access.rbac import MASTERS, RBAC, Ask, Authorizer
from drydock.cluster.errors import Group, Obj, forbidden, not_found

if TYPE_CHECKING:
    from drydock.cluster.message import User
    from drydock.cluster.verbs.write import Write

ROLES = {f"roles.{RBAC}", f"clusterroles.{RBAC}"}
BINDINGS = {f"rolebindings.{RBAC}", f"clusterrolebindings.{RBAC}"}
_EVERYTHING = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]


def check(write: Write, obj: Obj, old: Obj | None) -> None:
    """Refuse a role or binding that grants more than its author holds (403)."""
    qualified, user = write.resource.qualified, write.request.user
    if qualified not in ROLES | BINDINGS or MASTERS in user.groups or _only_garbage(obj, old):
        return
    authorizer, namespace = Authorizer(write.core), write.target.namespace
    if qualified in ROLES:
        name = obj["metadata"].get("name", "")
        if authorizer.allows(user, Ask("escalate", RBAC, write.resource.plural, namespace, name)):
            return
        _confirm(write, authorizer, obj, obj.get("rules") or [])
        if "aggregationRule" in obj and uncovered(authorizer.rules(user, ""), _EVERYTHING):
            why = "must have cluster-admin privileges to use an aggregationRule"
            raise forbidden(write.resource.about, name, why)
        return
    reference = obj["roleRef"]
    plural = "clusterroles" if reference.get("kind") == "ClusterRole" else "roles"
    where = "" if plural == "clusterroles" else namespace
    if authorizer.allows(user, Ask("bind", RBAC, plural, namespace, reference.get("name", ""))):
        return
    role = write.core.find(f"{plural}.{RBAC}", where, reference.get("name", ""))
    if role is None:
        raise not_found(Group(plural, RBAC), reference.get("name", ""))
    _confirm(write, authorizer, obj, role.get("rules") or [])


def _confirm(write: Write, authorizer: Authorizer, obj: Obj, rules: list[Obj]) -> None:
    user = write.request.user
    missing = uncovered(authorizer.rules(user, write.target.namespace), rules)
    if missing:
        name = obj["metadata"].get("name", "")
        raise forbidden(write.resource.about, name, told(user, missing))


def uncovered(held: Iterable[Obj], wanted: Iterable[Obj]) -> list[Obj]:
    """Return the smallest parts of the wanted rules that no held rule covers."""
    own = list(held)
    return [
        part
        for rule in wanted
        for part in _parts(rule)
        if not any(_covers(one, part) for one in own)
    ]


def told(user: User, missing: list[Obj]) -> str:
    """Word what somebody may not grant; rights to one resource are told together."""
    joined: dict[tuple[str, ...], Obj] = {}
    for part in missing:
        key = tuple(f"{name}:{part.get(name)}" for name in _FIELDS if name != "verbs")
        verbs = joined.setdefault(key, {**part, "verbs": []})["verbs"]
        verbs += [verb for verb in part["verbs"] if verb not in verbs]
    groups = " ".join(f'"{group}"' for group in user.groups)
    lines = "\n".join(sorted(_shown(rule) for rule in joined.values()))
    return (
        f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not'
        f" currently held:\n{lines}"
    )


_FIELDS = {
    "apiGroups": "APIGroups",
    "resources": "Resources",
    "nonResourceURLs": "NonResourceURLs",
    "resourceNames": "ResourceNames",
    "verbs": "Verbs",
}


def _shown(rule: Obj) -> str:
    parts = []
    for name, word in _FIELDS.items():
        if rule.get(name):
            values = " ".join(f'"{value}"' for value in rule[name])
            parts.append(f"{word}:[{values}]")
    return "{" + ", ".join(parts) + "}"


def _parts(rule: Obj) -> list[Obj]:
    """Break a rule into single rights."""
    verbs = rule.get("verbs") or []
    made: list[Obj] = [
        {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
        for group, resource, verb in product(
            rule.get("apiGroups") or [], rule.get("resources") or [], verbs
        )
    ]
    names = rule.get("resourceNames") or []
    if names:
        made = [{**one, "resourceNames": [name]} for one in made for name in names]
    urls = rule.get("nonResourceURLs") or []
    return made + [
        {"nonResourceURLs": [url], "verbs": [verb]} for url, verb in product(urls, verbs)
    ]


def _covers(held: Obj, part: Obj) -> bool:
    if not _among(part["verbs"][0], held.get("verbs")):
        return False
    if "nonResourceURLs" in part:
        url = part["nonResourceURLs"][0]
        return any(
            known in ("*", url) or (known.endswith("*") and url.startswith(known[:-1]))
            for known in held.get("nonResourceURLs") or []
        )
    resource = part["resources"][0]
    below = f"*/{resource.partition('/')[2]}" if "/" in resource else resource
    known = held.get("resources") or []
    names = held.get("resourceNames") or []
    return (
        _among(part["apiGroups"][0], held.get("apiGroups"))
        and (_among(resource, known) or below in known)
        and (not names or part.get("resourceNames", [""])[0] in names)
    )


def _among(value: str, held: Iterable[str] | None) -> bool:
    found = held or ()
    return "*" in found or value in found


def _only_garbage(obj: Obj, old: Obj | None) -> bool:
    """Tell whether nothing changes but what the garbage collector needs to change."""
    if old is None:
        return False

    def rest(one: Obj) -> Obj:
        left_out = ("ownerReferences", "finalizers", "managedFields", "resourceVersion")
        meta = {k: v for k, v in one["metadata"].items() if k not in left_out}
        return {**one, "metadata": meta}

    return rest(obj) == rest(old)
