"""Rules for network policies."""

from __future__ import annotations

import ipaddress

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import forbidden, invalid, required, unsupported
from drydock.cluster.validation.registry import rule
from drydock.cluster.validation.workloads import check_selector

_DIRECTIONS = ("Ingress", "Egress")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_NO_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@rule("networkpolicies.networking.k8s.io")
def network_policy(obj: Obj) -> list[Cause]:
    """Check a NetworkPolicy."""
    spec = obj["spec"]
    causes = check_selector(spec.get("podSelector") or {}, "spec.podSelector")
    for kind, peers in (("ingress", "from"), ("egress", "to")):
        for at, one in enumerate(spec.get(kind) or ()):
            path = f"spec.{kind}[{at}]"
            for number, port in enumerate(one.get("ports") or ()):
                causes += _port(port, f"{path}.ports[{number}]")
            for number, peer in enumerate(one.get(peers) or ()):
                causes += _peer(peer, f"{path}.{peers}[{number}]")
    kinds = spec.get("policyTypes") or ()
    if len(kinds) > len(_DIRECTIONS):
        why = "may not specify more than two policyTypes"
        return [*causes, invalid("spec.policyTypes", kinds, why)]
    for at, kind in enumerate(kinds):
        if kind not in _DIRECTIONS:
            causes.append(unsupported(f"spec.policyTypes[{at}]", kind, _DIRECTIONS))
    return causes


def _port(port: Obj, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if port.get("protocol") not in (None, *_PROTOCOLS):
        causes.append(unsupported(f"{path}.protocol", port["protocol"], _PROTOCOLS))
    number, last = port.get("port"), port.get("endPort")
    if isinstance(number, int):
        causes += [invalid(f"{path}.port", number, why) for why in names.port_number(number)]
        if last is not None:
            if last < number:
                why = "must be greater than or equal to `port`"
                causes.append(invalid(f"{path}.endPort", number, why))
            causes += [invalid(f"{path}.endPort", last, why) for why in names.port_number(last)]
        return causes
    if last is not None:
        word = "not specified" if number is None else "non-numeric"
        why = f"may not be specified when `port` is {word}"
        causes.append(invalid(f"{path}.endPort", last, why))
    if number is not None:
        causes += [invalid(f"{path}.port", number, why) for why in names.port_name(number)]
    return causes


def _peer(peer: Obj, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in ("podSelector", "namespaceSelector"):
        causes += check_selector(peer.get(name) or {}, f"{path}.{name}")
    block = peer.get("ipBlock")
    if block is not None:
        causes += _block(block, f"{path}.ipBlock")
    if not peer:
        causes.append(required(path, "must specify a peer"))
    elif block is not None and len(peer) > 1:
        causes.append(forbidden(path, "may not specify both ipBlock and another peer"))
    return causes


def _block(block: Obj, path: str) -> list[Cause]:
    cidr = block.get("cidr") or ""
    if not cidr:
        return [required(f"{path}.cidr")]
    whole = _network(cidr)
    causes = [] if whole is not None else [invalid(f"{path}.cidr", cidr, _NO_CIDR)]
    for at, text in enumerate(block.get("except") or ()):
        where, part = f"{path}.except[{at}]", _network(text)
        if part is None:
            causes.append(invalid(where, text, _NO_CIDR))
        elif whole is not None and not _strictly_inside(part, whole):
            causes.append(invalid(where, text, "must be a strict subset of `cidr`"))
    return causes


def _network(text: str) -> Network | None:
    """Read a CIDR; its length is a number of bits, never a mask as old tools write it."""
    if not text.partition("/")[2].isdecimal():
        return None
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _strictly_inside(part: Network, whole: Network) -> bool:
    return part.network_address in whole and part.prefixlen > whole.prefixlen
