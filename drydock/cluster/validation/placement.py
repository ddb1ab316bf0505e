"""Rules for where a pod may run, and for the names that it knows."""

from __future__ import annotations

import ipaddress

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import duplicate, invalid, required, unsupported

_NO_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_UNSATISFIED = ("DoNotSchedule", "ScheduleAnyway")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def neighbours(spec: Obj, path: str) -> list[Cause]:
    """Check affinity to other pods, and the spread over nodes."""
    causes: list[Cause] = []
    for kind in ("podAffinity", "podAntiAffinity"):
        found = (spec.get("affinity") or {}).get(kind) or {}
        where = f"{path}.affinity.{kind}"
        for at, term in enumerate(found.get(_REQUIRED) or ()):
            causes += _term(term, f"{where}.{_REQUIRED}[{at}]")
        for at, one in enumerate(found.get(_PREFERRED) or ()):
            inside = f"{where}.{_PREFERRED}[{at}]"
            if not 1 <= one.get("weight", 0) <= 100:
                why = "must be in the range 1-100"
                causes.append(invalid(f"{inside}.weight", one.get("weight", 0), why))
            causes += _term(one.get("podAffinityTerm") or {}, f"{inside}.podAffinityTerm")
    return causes + _spread(spec, f"{path}.topologySpreadConstraints")


def _term(term: Obj, path: str) -> list[Cause]:
    key = term.get("topologyKey") or ""
    causes = [] if key else [required(f"{path}.topologyKey", "can not be empty")]
    return causes + [invalid(f"{path}.topologyKey", key, w) for w in names.qualified_name(key)]


def _spread(spec: Obj, path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for at, one in enumerate(spec.get("topologySpreadConstraints") or ()):
        where, skew = f"{path}[{at}]", one.get("maxSkew", 0)
        key, action = one.get("topologyKey") or "", one.get("whenUnsatisfiable") or ""
        if skew <= 0:
            causes.append(invalid(f"{where}.maxSkew", skew, "must be greater than zero"))
        if not key:
            causes.append(required(f"{where}.topologyKey", "can not be empty"))
        if action not in _UNSATISFIED:
            causes.append(unsupported(f"{where}.whenUnsatisfiable", action, _UNSATISFIED))
        if (key, action) in seen:
            shown = f"{{{key}, {action}}}"
            causes.append(duplicate(f"{where}.{{topologyKey, whenUnsatisfiable}}", shown))
        seen.add((key, action))
        least = one.get("minDomains")
        if least is not None and least <= 0:
            causes.append(invalid(f"{where}.minDomains", least, "must be greater than zero"))
    return causes


def names_of_hosts(spec: Obj, path: str) -> list[Cause]:
    """Check host aliases, and what a pod without the cluster's names needs instead."""
    causes: list[Cause] = []
    for at, one in enumerate(spec.get("hostAliases") or ()):
        where, address = f"{path}.hostAliases[{at}]", one.get("ip") or ""
        try:
            ipaddress.ip_address(address)
        except ValueError:
            causes.append(invalid(f"{where}.ip", address, _NO_IP))
        for number, name in enumerate(one.get("hostnames") or ()):
            field = f"{where}.hostnames[{number}]"
            causes += [invalid(field, name, why) for why in names.dns_subdomain(name)]
    if spec.get("dnsPolicy") == "None":
        config = spec.get("dnsConfig")
        if config is None:
            why = "must provide `dnsConfig` when `dnsPolicy` is None"
            causes.append(required(f"{path}.dnsConfig", why))
        elif not config.get("nameservers"):
            why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            causes.append(required(f"{path}.dnsConfig.nameservers", why))
    return causes
