"""Instant queries to Prometheus' HTTP interface: one number per series, as of now."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from delivery.cluster import Cluster
from delivery.exchange import NoAnswerError, Target, ask, at
from delivery.way import through_the_api, told_by_the_way

INSIDE = "service"
FORMS = "http://HOST:PORT, https://HOST or service://NAMESPACE/NAME:PORT"


class QueryError(Exception):
    """Prometheus was not reached, did not understand, or answered something else than numbers."""


@dataclass(frozen=True)
class Series:
    """One number with its labels."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The labels for people, after a space; nothing when there are none."""
        listed = ", ".join(f"{name}={value}" for name, value in sorted(self.labels.items()))
        return f" ({listed})" if listed else ""


def check_address(address: str) -> None:
    """Raise ValueError with the forms that are known."""
    parts = urlsplit(address)
    if parts.scheme == INSIDE:
        name, _, port = parts.path.removeprefix("/").partition(":")
        if parts.hostname and name and port and "/" not in parts.path[1:]:
            return
    else:
        at(address)
        return
    raise ValueError(f"{address!r} is not of the form {FORMS}")


def instant(cluster: Cluster, address: str, query: str, seconds: float) -> list[Series]:
    """Ask one query; raise QueryError. `seconds` bound the whole of it."""
    target = _target(cluster, address)
    asked = urlencode({"query": query, "timeout": f"{seconds:g}s"})
    try:
        reply = ask(target, f"/api/v1/query?{asked}", seconds)
    except NoAnswerError as error:
        raise QueryError(f"Prometheus at {address} gives no answer: {error}") from error
    way = told_by_the_way(target, reply)
    if way:
        raise QueryError(f"Prometheus at {address} is not reached: {way}")
    try:
        answer = json.loads(reply.body)
        if answer["status"] != "success":
            raise QueryError(
                f"Prometheus refuses {query!r}: {answer.get('error', 'no reason given')}"
            )
        return list(_series(answer["data"], query))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = f"status {reply.status}: {reply.text[:120]}"
        raise QueryError(f"what answers at {address} is not Prometheus: {told}") from error


def _series(data: Mapping[str, object], query: str) -> Iterator[Series]:
    kind, result = data["resultType"], data["result"]
    if kind not in ("scalar", "vector"):
        raise QueryError(f"{query!r} gives a {kind}, not one number per series")
    if not isinstance(result, list):
        raise TypeError(f"a {kind} that is no list")
    if kind == "scalar":
        yield Series(float(result[1]))
        return
    for each in result:
        yield Series(float(each["value"][1]), dict(each["metric"]))


def _target(cluster: Cluster, address: str) -> Target:
    parts = urlsplit(address)
    if parts.scheme != INSIDE:
        return at(address)
    name, _, port = parts.path.removeprefix("/").partition(":")
    return through_the_api(cluster.socket, str(parts.hostname), name, port)
