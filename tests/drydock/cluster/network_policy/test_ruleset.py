"""What policies become as rules of nft."""

from __future__ import annotations

from drydock.cluster.network_policy import Member, World, ruleset
from drydock.cluster.network_policy.members import namespace_labels, own_members, pod_member

GATEWAY, INGRESS = "10.88.0.1", "10.88.0.2"


def pod(name: str, address: str, namespace: str = "shop", **spec: object) -> dict:
    port = {"name": "http", "containerPort": 8080, "protocol": "TCP"}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [{"name": "a", "ports": [port]}], **spec},
        "status": {"podIP": address, "phase": "Running"},
    }


def policy(selector: dict | None = None, **spec: object) -> dict:
    """Make a policy of the namespace `shop`, defaulted as the API does it."""
    kinds = spec.pop("policyTypes", ["Ingress"])
    body = {"podSelector": selector or {}, "policyTypes": kinds, **spec}
    return {"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"}, "spec": body}


def app(name: str) -> dict:
    return {"matchLabels": {"app": name}}


def rules(*policies: dict, pods: tuple[dict, ...] = ()) -> str:
    """Return the rules for a web pod, a friend of it, and a stranger in another namespace."""
    found = (
        pod("web", "10.88.0.5"),
        pod("friend", "10.88.0.6"),
        pod("stranger", "10.88.0.7", "other"),
        *pods,
    )
    members = [one for one in map(pod_member, found) if one is not None]
    spaces = [{"metadata": {"name": name, "labels": {"n": name}}} for name in ("shop", "other")]
    world = World(
        [*members, *own_members(GATEWAY, INGRESS)], namespace_labels(spaces), policies, INGRESS
    )
    return ruleset(world)


def chain(text: str, of: str) -> list[str]:
    """Return the lines of the chain that an address jumps to."""
    name = text.split(f"{of} : jump ")[1].split()[0].rstrip(",")
    body = text.split(f"chain {name} {{")[1].split("}\n")[0]
    return [line.strip() for line in body.strip().splitlines()]


def test_without_policies_nothing_is_judged():
    """The table is there and lets everything pass."""
    text = rules()
    assert "drop" not in text
    assert "vmap" not in text


def test_an_isolated_pod_is_left_alone_by_all():
    """`default-deny`: the chain holds nothing but its end, for every pod of the namespace."""
    text = rules(policy())
    assert chain(text, "10.88.0.5") == chain(text, "10.88.0.6") == ["drop"]
    assert "10.88.0.7 : jump" not in text


def test_selectors_become_the_addresses_of_pods():
    """A pod selector alone means the policy's own namespace, a namespace selector widens it."""
    near = policy(app("web"), ingress=[{"from": [{"podSelector": app("friend")}]}])
    assert chain(rules(near), "10.88.0.5") == ["ip saddr { 10.88.0.6 } return", "drop"]
    wide = {"namespaceSelector": {"matchLabels": {"n": "other"}}}
    far = policy(app("web"), ingress=[{"from": [wide]}])
    assert chain(rules(far), "10.88.0.5") == ["ip saddr { 10.88.0.7 } return", "drop"]
    both = policy(app("web"), ingress=[{"from": [{**wide, "podSelector": app("friend")}]}])
    assert chain(rules(both), "10.88.0.5") == ["drop"]


def test_ports_by_number_range_and_name():
    """A named port is that of the pod which is called."""
    ports = [
        {"protocol": "TCP", "port": 80},
        {"protocol": "UDP", "port": 90, "endPort": 99},
        {"protocol": "TCP", "port": "http"},
        {"protocol": "TCP", "port": "unknown"},
        {"protocol": "SCTP"},
    ]
    assert chain(rules(policy(app("web"), ingress=[{"ports": ports}])), "10.88.0.5") == [
        "tcp dport 80 return",
        "udp dport 90-99 return",
        "tcp dport 8080 return",
        "meta l4proto sctp return",
        "drop",
    ]


def test_egress_to_a_named_port_pairs_it_with_each_pod():
    """Two pods may give one name to two numbers."""
    rule = {"to": [{"podSelector": app("friend")}], "ports": [{"protocol": "TCP", "port": "http"}]}
    text = rules(policy(app("web"), policyTypes=["Egress"], egress=[rule]))
    assert chain(text, "10.88.0.5")[0] == "ip daddr . tcp dport { 10.88.0.6 . 8080 } return"


def test_blocks_with_exceptions():
    """Exceptions that overlap are joined; IPv6 means nothing here."""
    block = {"cidr": "10.0.0.7/8", "except": ["10.1.0.0/16", "10.1.2.0/24"]}
    peers = [{"ipBlock": block}, {"ipBlock": {"cidr": "fd00::/8"}}]
    rule = {"to": peers, "ports": [{"protocol": "TCP", "port": 443}]}
    text = rules(policy(app("web"), policyTypes=["Egress"], egress=[rule]))
    wanted = "ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16 } tcp dport 443 return"
    assert chain(text, "10.88.0.5") == [wanted, "drop"]
    everywhere = policy(
        app("web"), policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]
    )
    assert chain(rules(everywhere), "10.88.0.5") == ["return", "drop"]


def test_names_are_asked_of_a_pod_of_kube_system():
    """The usual rule for DNS opens the bridge's port 53 and nothing else of it."""
    peer = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    rule = {"to": [peer], "ports": [{"protocol": "UDP", "port": 53}]}
    dns = policy(policyTypes=["Egress"], egress=[rule])
    system = {"kubernetes.io/metadata.name": "kube-system"}
    world = World(
        [Member("shop", {}, "10.88.0.5"), *own_members(GATEWAY, INGRESS)],
        {"kube-system": system},
        [dns],
    )
    assert chain(ruleset(world), "10.88.0.5") == ["ip daddr 10.88.0.1 udp dport 53 return", "drop"]


def test_the_ingress_controller_is_in_its_usual_namespace():
    """Without such a namespace, too; and what it may not do is stopped on its way out."""
    name = {"kubernetes.io/metadata.name": "ingress-nginx"}
    rule = {"from": [{"namespaceSelector": {"matchLabels": name}}]}
    text = rules(policy(app("web"), ingress=[rule]))
    assert chain(text, "10.88.0.5") == ["ip saddr { 10.88.0.2 } return", "drop"]
    assert f"ip saddr {INGRESS} ip daddr vmap {{ 10.88.0.5 : jump" in text


def test_pods_that_are_judged_alike_share_a_chain():
    """Many replicas do not make many rules."""
    more = tuple(pod("web", f"10.88.1.{at}") for at in range(20))
    assert rules(policy(), pods=more).count("drop") == 1


def test_pods_without_a_network_of_their_own_are_nobody():
    """Ended pods, pods without an address, pods on the node's network."""
    ended = pod("x", "10.88.0.9")
    ended["status"]["phase"] = "Succeeded"
    assert pod_member(ended) is None
    assert pod_member(pod("x", "")) is None
    assert pod_member(pod("x", "10.88.0.9", hostNetwork=True)) is None
