"""Whom policies can name: pods, and the two parts of this cluster that are pods on any other.

Pure. A name server and an ingress controller run as pods elsewhere, and people write policies that
select them by their usual labels; here they are part of the cluster's process, so each has a member
that stands for it. Invariant: a member has one address, and no two members that are pods share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from drydock.cluster.controllers.meta import key_of, labels_of, selects
from drydock.cluster.controllers.pods import has_ended
from drydock.cluster.errors import Obj

INGRESS_NAMESPACE = "ingress-nginx"
_INGRESS_LABELS = {
    "app.kubernetes.io/name": "ingress-nginx",
    "app.kubernetes.io/instance": "ingress-nginx",
}
_NAME = "kubernetes.io/metadata.name"
Port = tuple[str, str]
"""Protocol in capitals, and name."""


@dataclass(frozen=True)
class Member:
    """One end of a flow; `only` are the ports by which a part of the cluster itself is met."""

    namespace: str
    labels: Mapping[str, str]
    address: str
    ports: Mapping[Port, int] = field(default_factory=dict)
    only: tuple[tuple[str, int], ...] = ()
    is_pod: bool = True


def pod_member(pod: Obj, address: str = "") -> Member | None:
    """Read a pod; None when it has no address or needs no network any more."""
    address = address or str((pod.get("status") or {}).get("podIP") or "")
    if not address or has_ended(pod) or pod["spec"].get("hostNetwork"):
        return None
    ports: dict[Port, int] = {}
    for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
        for port in container.get("ports") or []:
            if port.get("name"):
                key = (port.get("protocol", "TCP"), port["name"])
                ports.setdefault(key, int(port["containerPort"]))
    return Member(key_of(pod)[0], labels_of(pod), address, ports)


def own_members(gateway: str, ingress: str) -> list[Member]:
    """Return who stands for the name server and the ingress controller, by their addresses."""
    names = Member(
        "kube-system",
        {"k8s-app": "kube-dns"},
        gateway,
        {("UDP", "dns"): 53, ("TCP", "dns-tcp"): 53},
        only=(("UDP", 53), ("TCP", 53)),
        is_pod=False,
    )
    if not ingress:
        return [names]
    labels = {**_INGRESS_LABELS, "app.kubernetes.io/component": "controller"}
    return [names, Member(INGRESS_NAMESPACE, labels, ingress, is_pod=False)]


def namespace_labels(namespaces: Iterable[Obj]) -> dict[str, Mapping[str, str]]:
    """Return the labels of every namespace; that of the ingress controller exists in any case."""
    found: dict[str, Mapping[str, str]] = {
        INGRESS_NAMESPACE: {_NAME: INGRESS_NAMESPACE, **_INGRESS_LABELS}
    }
    found |= {one["metadata"]["name"]: labels_of(one) for one in namespaces}
    return found


def chosen(
    peer: Obj,
    home: str,
    members: Sequence[Member],
    namespaces: Mapping[str, Mapping[str, str]],
) -> list[Member]:
    """Return the members that a peer with selectors means, for a policy in the namespace `home`."""
    wide, narrow = peer.get("namespaceSelector"), peer.get("podSelector")
    return [
        one
        for one in members
        if (
            one.namespace == home
            if wide is None
            else selects(wide, namespaces.get(one.namespace, {}))
        )
        and (narrow is None or selects(narrow, one.labels))
    ]
