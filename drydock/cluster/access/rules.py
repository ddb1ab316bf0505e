"""The roles that every cluster starts with.

`Api` stores them at its first start. They give anonymous users nothing but health, authenticated
ones discovery and questions about themselves, and the names `cluster-admin`, `admin`, `edit`, `view`
that people bind.
"""

from __future__ import annotations

from drydock.cluster.access.rbac import RBAC
from drydock.cluster.core import Core
from drydock.cluster.errors import Obj
from drydock.cluster.identity import new_uid, now
from drydock.cluster.store import Key

_DISCOVERY = [
    "/.well-known", "/.well-known/*", "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez",
    "/openapi", "/openapi/*", "/readyz", "/version", "/version/",
]  # fmt: skip
_ISSUER = ["/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks",
           "/openid/v1/jwks/"]  # fmt: skip
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_WORKLOADS = [
    "daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale",
    "statefulsets", "statefulsets/scale",
]  # fmt: skip
_SEEN = {
    "": [
        "bindings", "configmaps", "endpoints", "events", "limitranges", "namespaces",
        "namespaces/status", "persistentvolumeclaims", "persistentvolumeclaims/status", "pods",
        "pods/log", "pods/status", "replicationcontrollers", "replicationcontrollers/scale",
        "replicationcontrollers/status", "resourcequotas", "resourcequotas/status",
        "serviceaccounts", "services", "services/status",
    ],
    "apps": [
        *_WORKLOADS, "controllerrevisions", "daemonsets/status", "deployments/status",
        "replicasets/status", "statefulsets/status",
    ],
    "autoscaling": ["horizontalpodautoscalers", "horizontalpodautoscalers/status"],
    "batch": ["cronjobs", "cronjobs/status", "jobs", "jobs/status"],
    "discovery.k8s.io": ["endpointslices"],
    "networking.k8s.io": ["ingresses", "ingresses/status", "networkpolicies"],
    "policy": ["poddisruptionbudgets", "poddisruptionbudgets/status"],
}  # fmt: skip
"""What `view` reads, by groups. Whoever reads a secret or enters a pod gets more rights than these."""
_SECRET = [
    "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy",
]  # fmt: skip
_MADE = {
    "": [
        "configmaps", "events", "persistentvolumeclaims", "pods", "pods/attach", "pods/exec",
        "pods/portforward", "pods/proxy", "replicationcontrollers", "replicationcontrollers/scale",
        "secrets", "serviceaccounts", "services", "services/proxy",
    ],
    "apps": [*_WORKLOADS, "deployments/rollback"],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "networking.k8s.io": ["ingresses", "networkpolicies"],
    "policy": ["poddisruptionbudgets"],
}  # fmt: skip
"""What `edit` writes: wishes. What controllers say (status, endpoints, revisions, logs) is theirs."""


def _rule(verbs: list[str], group: str, resources: list[str]) -> Obj:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


_ACCOUNTS = [
    {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]},
    {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
]
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_LEVELS = {"admin": [], "edit": ["admin"], "view": ["edit"]}
"""The roles that people bind, and which of them each is a part of."""


def _parts() -> dict[str, list[Obj]]:
    """Return what each level adds to those below it."""
    view = [_rule(_READ, group, resources) for group, resources in _SEEN.items()]
    edit = [
        _rule(_READ, "", _SECRET),
        *(_rule(_WRITE, group, resources) for group, resources in _MADE.items()),
        _rule(["create"], "", ["pods/eviction"]),
        _rule([*_READ, *_WRITE], "coordination.k8s.io", ["leases"]),
    ]
    admin = [
        _rule([*_READ, *_WRITE], RBAC, ["rolebindings", "roles"]),
        _rule(["create"], "authorization.k8s.io", ["localsubjectaccessreviews"]),
    ]
    return {"admin": admin, "edit": [*edit, *_ACCOUNTS], "view": view}


def _roles() -> dict[str, Obj]:
    parts = _parts()
    held = {
        "admin": [*parts["admin"], *parts["edit"], *parts["view"]],
        "edit": [*parts["edit"], *parts["view"]],
        "view": parts["view"],
    }
    made: dict[str, Obj] = {}
    for level, above in _LEVELS.items():
        labels = {f"{_AGGREGATE}{one}": "true" for one in above}
        selector = {"matchLabels": {f"{_AGGREGATE}{level}": "true"}}
        made[level] = {
            "labels": labels,
            "rules": held[level],
            "aggregationRule": {"clusterRoleSelectors": [selector]},
        }
        part = {"labels": {f"{_AGGREGATE}{level}": "true"}, "rules": parts[level]}
        made[f"system:aggregate-to-{level}"] = part
    everything = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    basic = [
        _rule(["create"], "authorization.k8s.io", reviews),
        _rule(["create"], "authentication.k8s.io", ["selfsubjectreviews"]),
    ]
    plain = {
        "cluster-admin": everything,
        "system:basic-user": basic,
        "system:discovery": [{"nonResourceURLs": _DISCOVERY, "verbs": ["get"]}],
        "system:public-info-viewer": [{"nonResourceURLs": _PUBLIC, "verbs": ["get"]}],
        "system:service-account-issuer-discovery": [{"nonResourceURLs": _ISSUER, "verbs": ["get"]}],
    }
    return made | {name: {"rules": rules} for name, rules in plain.items()}


_BINDINGS = {
    "cluster-admin": ["system:masters"],
    "system:basic-user": ["system:authenticated"],
    "system:discovery": ["system:authenticated"],
    "system:public-info-viewer": ["system:authenticated", "system:unauthenticated"],
    "system:service-account-issuer-discovery": ["system:serviceaccounts"],
}


def bootstrap(core: Core) -> None:
    """Store the roles and bindings that are not there yet."""
    for name, role in _roles().items():
        _put(core, "ClusterRole", "clusterroles", name, role)
    for name, groups in _BINDINGS.items():
        subjects = [{"kind": "Group", "apiGroup": RBAC, "name": group} for group in groups]
        reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
        more = {"roleRef": reference, "subjects": subjects}
        _put(core, "ClusterRoleBinding", "clusterrolebindings", name, more)


def _put(core: Core, kind: str, plural: str, name: str, wanted: Obj) -> None:
    """Store an object unless it is there; a role of an earlier version gets its aggregation."""
    key = Key(f"{plural}.{RBAC}", "", name)
    more = {field: value for field, value in wanted.items() if field != "labels"}
    labels = {**(wanted.get("labels") or {}), "kubernetes.io/bootstrapping": "rbac-defaults"}
    held = core.store.get(key)
    if held is None:
        meta = {"name": name, "uid": new_uid(), "creationTimestamp": now(), "labels": labels}
        core.store.create(key, {"kind": kind, "apiVersion": f"{RBAC}/v1", "metadata": meta, **more})
    elif "aggregationRule" in more and "aggregationRule" not in held:
        mine = {**(held["metadata"].get("labels") or {}), **labels}
        core.store.replace(key, {**held, "metadata": {**held["metadata"], "labels": mine}, **more})
