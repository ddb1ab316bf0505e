"""History: what was delivered, by whom, how it went. A bounded record per service, kept in the cluster.

Written after the fact: a record that cannot be written is told and spoils nothing. Nothing is decided by
it but the guards of rolling services, which have no other place to remember a rollback.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields

from delivery.cluster import CONFLICT, ApiError, Cluster, Obj
from delivery.progress import say

PREFIX = "shipyard-history-"
KEY = "records"
LIMIT = 20
TRIES = 5
LIVE, FAILED, ROLLED_BACK = "live", "failed", "rolled back"
"""Verdicts: users are with it; it came to no good end; users are with the one before again."""
LONGEST = 500
"""Characters of a reason; evidence is for people who read the log, not for etcd."""


@dataclass(frozen=True)
class Entry:
    """One delivery of one service.

    `action` is that of the plan, `verdict` what became of it, `reason` why; `begun` and `ended` are UTC.
    `plan` is the plan's digest; `gates` the last verdict of each gate with its numbers; `probe` what the
    prober counted meanwhile; `timings` how many seconds each stage took.
    """

    action: str
    verdict: str
    strategy: str
    version: str
    revision: str
    image: str
    who: str
    plan: str
    begun: str
    ended: str
    seconds: float
    reason: str = ""
    barrier: str = ""
    gates: tuple[Mapping[str, object], ...] = ()
    probe: Mapping[str, float] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    approved_by: str = ""


def remember(cluster: Cluster, namespace: str, service: str, entry: Entry) -> None:
    """Add an entry, the newest first; the oldest goes when there are too many."""
    told: object = "somebody else writes all the time"
    for _ in range(TRIES):
        try:
            if _written(cluster, namespace, service, entry):
                return
        except (ApiError, ValueError) as error:
            told = error
            break
    say(f"{service}: the history could not be written: {told}")


def entries(cluster: Cluster, namespace: str, service: str) -> list[Entry]:
    """Read the history of a service, the newest first; raise ApiError."""
    found = cluster.find(_path(namespace, service))
    return [_entry(each) for each in _records(found)]


def of_run(
    cluster: Cluster, namespace: str, services: Iterable[str], plan: str, begun: str
) -> list[dict[str, object]]:
    """Give what one run recorded, by its plan's digest and beginning; nothing that cannot be read."""
    found = []
    for service in services:
        try:
            newest = next(iter(entries(cluster, namespace, service)), None)
        except ApiError:
            continue
        if newest is not None and newest.plan == plan and newest.ended >= begun:
            found.append({"service": service, **asdict(newest)})
    return found


def describe(service: str, found: list[Entry]) -> str:
    """Write a history for people, one line per entry."""
    if not found:
        return f"{service}: nothing was delivered yet"
    lines = [f"{service}:"]
    for each in found:
        reason = f": {each.reason.splitlines()[0]}" if each.reason else ""
        image = each.image.partition("@")[2][:19] or each.image
        line = f"  {each.ended}  {each.action:<8} {each.verdict:<12} {each.version} {image}"
        approved = f", approved by {each.approved_by}" if each.approved_by else ""
        count = ""
        if each.probe:
            sent, failed = each.probe.get("sent", 0), each.probe.get("failed", 0)
            count = f", {sent:.0f} requests, {failed:.0f} failed"
        lines.append(f"{line} by {each.who}{approved}, {each.seconds:.0f} s{count}{reason}")
    return "\n".join(lines)


def _written(cluster: Cluster, namespace: str, service: str, entry: Entry) -> bool:
    """Write once; False when somebody else wrote in the meantime."""
    path = _path(namespace, service)
    found = cluster.find(path)
    short = {**asdict(entry), "reason": entry.reason[:LONGEST]}
    records = [short, *_records(found)][:LIMIT]
    data = {KEY: json.dumps(records, separators=(",", ":"))}
    try:
        if found is None:
            cluster.request("POST", path.rpartition("/")[0], _config_map(service, data))
        else:
            version = found["metadata"]["resourceVersion"]
            body = {"metadata": {"resourceVersion": version}, "data": data}
            cluster.request("PATCH", path, body)
    except ApiError as error:
        if error.status == CONFLICT:
            return False
        raise
    return True


def _config_map(service: str, data: dict[str, str]) -> Obj:
    labels = {"app.kubernetes.io/name": service, "app.kubernetes.io/managed-by": "shipyard"}
    metadata = {"name": PREFIX + service, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _path(namespace: str, service: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps/{PREFIX}{service}"


def _records(found: Obj | None) -> list[dict[str, object]]:
    """Take the records out of the ConfigMap; what somebody spoiled by hand counts as none."""
    try:
        records = json.loads(((found or {}).get("data") or {}).get(KEY) or "[]")
    except ValueError:
        return []
    return [each for each in records if isinstance(each, dict)] if isinstance(records, list) else []


def _entry(values: dict[str, object]) -> Entry:
    """Read a record; what somebody spoiled by hand counts as not given."""
    given = {each.name: values.get(each.name) for each in fields(Entry)}
    gates, seconds = given["gates"], given["seconds"]
    special = ("gates", "seconds", "probe", "timings")
    return Entry(
        **{key: str(value or "") for key, value in given.items() if key not in special},
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        gates=(
            tuple(each for each in gates if isinstance(each, dict))
            if isinstance(gates, list)
            else ()
        ),
        probe=_numbers(given["probe"]),
        timings=_numbers(given["timings"]),
    )


def _numbers(value: object) -> dict[str, float]:
    if not isinstance(value, dict):
        return {}
    return {str(key): float(each) for key, each in value.items() if isinstance(each, int | float)}
