"""A survey of a namespace: what deliveries made there, in the order in which it may go. Writes nothing.

The order keeps the invariants of a release for as long as anything is left: nobody is sent to what is gone
already. Ways in first, then what would bring pods back, then the Services, then the pods; what pods live by
(configuration, accounts, policies) only after them, and the deliveries' own state last.
"""

from dataclasses import dataclass

from delivery.cluster import FORBIDDEN, ApiError, Cluster, Obj
from delivery.operations.belongings import is_lock, is_ours, is_shared, is_state, others
from delivery.operations.kinds import Kind, namespaced_kinds

ROUTES = frozenset({"Ingress", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "IngressRoute"})
REVIVERS = frozenset({"HorizontalPodAutoscaler", "CronJob", "ScaledObject"})
WORKLOADS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "Pod"}
)
RULES = frozenset(
    {"NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount", "RoleBinding", "Role"}
)
ROUTE, REVIVER, SERVICE, WORKLOAD, REST, RULE, STATE, LOCK = range(8)
DATA = "PersistentVolumeClaim"


@dataclass(frozen=True)
class Item:
    """An object as it was found."""

    kind: Kind
    obj: Obj

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.obj["metadata"]["name"])

    @property
    def rank(self) -> int:
        """Its place in the order."""
        name = self.kind.name
        if is_state(name, self.obj):
            return LOCK if name == "Lease" else STATE
        for rank, names in ((ROUTE, ROUTES), (REVIVER, REVIVERS), (WORKLOAD, WORKLOADS)):
            if name in names:
                return rank
        if name == "Service":
            return SERVICE
        return RULE if name in RULES else REST

    def __str__(self) -> str:
        return f"{self.kind.name} {self.name}"


@dataclass(frozen=True)
class Survey:
    """What is there: `ours` in the order to go, `shared` with others, and what could not be looked at."""

    ours: tuple[Item, ...]
    shared: tuple[Item, ...]
    hidden: tuple[str, ...]

    @property
    def locks(self) -> list[str]:
        """Name the locks that are there."""
        return [each.name for each in self.ours if each.rank == LOCK]


def survey(cluster: Cluster, namespace: str) -> Survey:
    """Look through everything that a namespace can hold; raise ApiError."""
    kinds, hidden = namespaced_kinds(cluster)
    ours: list[Item] = []
    shared: list[Item] = []
    for kind in kinds:
        try:
            found = cluster.items(kind.path(namespace))
        except ApiError as error:
            if error.status != FORBIDDEN:
                raise
            hidden.append(f"{kind.plural}: not ours to list")
            continue
        ours += [Item(kind, obj) for obj in found if is_ours(kind.name, obj)]
        shared += [Item(kind, obj) for obj in found if is_shared(kind.name, obj)]
    ours.sort(key=lambda item: (item.rank, item.kind.name, item.name))
    return Survey(tuple(ours), tuple(shared), tuple(hidden))


def described(found: Survey) -> str:
    """Write a survey for people."""
    lines = [f"  {each}{_warning(each)}" for each in found.ours if not is_lock(each.name)]
    lines += [f"  {each}" for each in found.ours if is_lock(each.name)]
    for each in found.shared:
        lines.append(f"  stays: {each}, as it is also {', '.join(others(each.obj))}'s")
    lines += [f"  not looked at: {each}" for each in found.hidden]
    return "\n".join(lines)


def _warning(item: Item) -> str:
    return "  (with its data)" if item.kind.name == DATA else ""
