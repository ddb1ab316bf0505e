"""From policies and members to one nft table.

Pure. A pod that a policy selects for a direction is isolated in it: what no rule of any such policy
allows is dropped. Invariants: a flow needs the leave of both its ends; what belongs to a connection that
was allowed once passes; the node itself (probes, port-forward, the API server) reaches every pod.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from drydock.cluster.controllers.meta import key_of, selects
from drydock.cluster.errors import Json, Obj
from drydock.cluster.network_policy.members import Member, Port, chosen

TABLE = "policies"
DIRECTIONS = {"Ingress": ("ingress", "from", "saddr"), "Egress": ("egress", "to", "daddr")}
PROTOCOLS = ("TCP", "UDP", "SCTP")
_WHOM = ("podSelector", "policyTypes")


@dataclass(frozen=True)
class World:
    """All that decides about flows."""

    members: Sequence[Member]
    namespaces: Mapping[str, Mapping[str, str]]
    policies: Sequence[Obj]
    ingress: str = ""
    """The address that the ingress controller calls from."""


def ruleset(world: World) -> str:
    """Return the transaction that replaces the table."""
    chains: dict[tuple[str, ...], str] = {}
    jumps: dict[str, dict[str, str]] = {kind: {} for kind in DIRECTIONS}
    rules = _Rules(world)
    for member in world.members:
        if not member.is_pod:
            continue
        for kind in DIRECTIONS:
            policies = [one for one in world.policies if _isolates(one, kind, member)]
            if policies:
                lines = dict.fromkeys(
                    line for one in policies for line in rules.of(one, kind, member)
                )
                name = f"{kind.lower()}{len(chains)}"
                jumps[kind][member.address] = chains.setdefault((kind, *lines), name)
    return _table(chains, jumps, world.ingress)


def without_faults(world: World) -> tuple[World, dict[str, str]]:
    """Put a denial in place of every policy that cannot be read, and say what is wrong with each.

    `ruleset` is tried with one policy after the other, so this is for a world that it failed on.
    """
    kept: list[Obj] = []
    faults: dict[str, str] = {}
    for policy in world.policies:
        try:
            ruleset(replace(world, policies=[policy]))
            kept.append(policy)
        except Exception as error:  # noqa: BLE001 - it must not open anything, whatever it is
            faults["/".join(key_of(policy))] = f"{type(error).__name__}: {error}"
            kept.append(_denial(world, policy))
    return replace(world, policies=kept), faults


def _denial(world: World, policy: Obj) -> Obj:
    """Return a policy that isolates the same pods and allows nothing; all pods when in doubt."""
    held = policy.get("spec") or {}
    denial = {**policy, "spec": {key: held[key] for key in _WHOM if key in held}}
    try:
        ruleset(replace(world, policies=[denial]))
    except Exception:  # noqa: BLE001 - whom it selects cannot be read either
        return {**policy, "spec": {"podSelector": {}, "policyTypes": list(DIRECTIONS)}}
    return denial


def _isolates(policy: Obj, kind: str, member: Member) -> bool:
    spec = policy["spec"]
    return (
        key_of(policy)[0] == member.namespace
        and kind in (spec.get("policyTypes") or ())
        and selects(spec.get("podSelector") or {}, member.labels)
    )


class _Rules:
    """Words what policies allow; what peers mean is found once per table."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chosen: dict[tuple[int, int, str], list[Member]] = {}

    def of(self, policy: Obj, kind: str, member: Member) -> Iterator[str]:
        """Yield a match for everything that a policy lets a member take (or reach)."""
        field, peers, side = DIRECTIONS[kind]
        for at, rule in enumerate(policy["spec"].get(field) or []):
            ports = rule.get("ports") or [None]
            for port in ports:
                if not rule.get(peers):
                    yield from self._anyone(kind, port, member)
                    continue
                for block in (one["ipBlock"] for one in rule[peers] if "ipBlock" in one):
                    yield from self._block(kind, block, port, member)
                found = self._selected(policy, kind, at, rule[peers])
                yield from self._members(found, side, port, member)

    def _anyone(self, kind: str, port: Obj | None, member: Member) -> Iterator[str]:
        if kind == "Egress" and _is_named(port):
            yield from self._members(self._world.members, "daddr", port, member)
            return
        yield from _any_port(port, member)

    def _block(self, kind: str, block: Obj, port: Obj | None, member: Member) -> Iterator[str]:
        """Yield the matches of a range of addresses; a named port is looked up at the member that is met."""
        if kind == "Egress" and _is_named(port):
            return  # which port a name means is known of pods alone
        match = _within(f"ip {DIRECTIONS[kind][2]}", block)
        if match is None:
            return
        for words in _any_port(port, member):
            yield f"{match} {words}".strip()

    def _selected(self, policy: Obj, kind: str, at: int, peers: Sequence[Obj]) -> list[Member]:
        key = (id(policy), at, kind)
        if key not in self._chosen:
            home, world = key_of(policy)[0], self._world
            found = [
                member
                for peer in peers
                if "ipBlock" not in peer
                for member in chosen(peer, home, world.members, world.namespaces)
            ]
            self._chosen[key] = list({id(one): one for one in found}.values())
        return self._chosen[key]

    def _members(
        self, found: Sequence[Member], side: str, port: Obj | None, member: Member
    ) -> Iterator[str]:
        """Yield the matches of chosen members: one set of addresses, and the cluster's own parts."""
        if side == "saddr":
            addresses = [one.address for one in found if not one.only]
            if addresses:
                for words in _any_port(port, member):
                    yield f"ip saddr {_set(addresses)} {words}".rstrip()
            return
        plain = [one for one in found if not one.only]
        if _is_named(port):
            protocol, name = _protocol(port), str((port or {})["port"])
            pairs = [
                f"{one.address} . {one.ports[protocol, name]}"
                for one in plain
                if (protocol, name) in one.ports
            ]
            if pairs:
                yield f"ip daddr . {protocol.lower()} dport {_set(pairs)}"
        elif plain:
            for words in _any_port(port, member):
                yield f"ip daddr {_set([one.address for one in plain])} {words}".rstrip()
        for one in found:
            for protocol, number in one.only:
                if _covers(port, protocol, number, one.ports):
                    yield f"ip daddr {one.address} {protocol.lower()} dport {number}"


def _any_port(port: Obj | None, member: Member) -> Iterator[str]:
    """Yield the words for a port of a rule; nothing for a name that the member does not have."""
    if port is None:
        yield ""
        return
    protocol, number = _protocol(port), port.get("port")
    if number is None:
        yield f"meta l4proto {protocol.lower()}"
    elif isinstance(number, int):
        last = port.get("endPort")
        yield f"{protocol.lower()} dport {number}" + (f"-{last}" if last else "")
    elif (protocol, number) in member.ports:
        yield f"{protocol.lower()} dport {member.ports[protocol, number]}"


def _within(field: str, block: Obj) -> str | None:
    """Word an `ipBlock`; None for one of IPv6, which no pod has."""
    whole = ipaddress.ip_network(block["cidr"], strict=False)
    if whole.version != 4:
        return None
    left_out = [ipaddress.ip_network(one, strict=False) for one in block.get("except") or []]
    words = f"{field} {whole}" if whole.prefixlen else ""
    narrow = [one for one in left_out if isinstance(one, ipaddress.IPv4Network)]
    if narrow:
        listed = [str(one) for one in ipaddress.collapse_addresses(narrow)]
        words += f" {field} != {_set(listed)}"
    return words.strip()


def _covers(port: Obj | None, protocol: str, number: int, named: Mapping[Port, int]) -> bool:
    """Tell whether a port of a rule takes in a protocol and number."""
    if port is None:
        return True
    if _protocol(port) != protocol:
        return False
    wanted: Json = port.get("port")
    if wanted is None:
        return True
    first = named.get((protocol, wanted), 0) if isinstance(wanted, str) else int(wanted)
    return first <= number <= int(port.get("endPort", first))


def _is_named(port: Obj | None) -> bool:
    return port is not None and isinstance(port.get("port"), str)


def _protocol(port: Obj | None) -> str:
    return str((port or {}).get("protocol") or "TCP")


def _set(entries: Sequence[str]) -> str:
    return f"{{ {', '.join(sorted(set(entries)))} }}"


def _table(
    chains: Mapping[tuple[str, ...], str], jumps: Mapping[str, Mapping[str, str]], ingress: str
) -> str:
    made = []
    for (_, *lines), name in chains.items():
        words = "\n    ".join([*(f"{line} return".lstrip() for line in lines), "drop"])
        made.append(f"  chain {name} {{\n    {words}\n  }}")
    leaving = _verdicts("saddr", jumps["Egress"])
    coming = _verdicts("daddr", jumps["Ingress"])
    itself = sorted({*jumps["Egress"], *jumps["Ingress"]})
    if itself:
        pairs = ", ".join(f"{one} . {one}" for one in itself)
        own = [f"ip saddr . ip daddr {{ {pairs} }} accept"]
    else:
        own = []
    made.append(_hook("forward", [*own, *leaving, *coming]))
    made.append(_hook("input", leaving))
    from_ingress = [f"ip saddr {ingress} {line}" for line in coming] if ingress else []
    made.append(_hook("output", from_ingress))
    body = "\n".join(made)
    return f"table ip {TABLE} {{}}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n{body}\n}}\n"


def _verdicts(side: str, jumps: Mapping[str, str]) -> list[str]:
    rows = ", ".join(f"{address} : jump {name}" for address, name in sorted(jumps.items()))
    return [f"ip {side} vmap {{ {rows} }}"] if rows else []


def _hook(name: str, lines: Sequence[str]) -> str:
    words = "\n    ".join(
        [
            f"type filter hook {name} priority filter; policy accept;",
            "ct state established,related accept",
            *lines,
        ]
    )
    return f"  chain {name} {{\n    {words}\n  }}"
