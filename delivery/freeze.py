"""Freezing an environment: nothing new gets in until somebody lifts it. Going back stays possible."""

from dataclasses import dataclass

from delivery.clock import CLOCK, Clock, write_time
from delivery.cluster import CONFLICT, FORBIDDEN, NOT_FOUND, ApiError, Cluster
from delivery.errors import PreflightError, Refused

NAME = "shipyard-freeze"


@dataclass(frozen=True)
class Freeze:
    """Who froze the environment, since when (UTC), and why."""

    who: str
    since: str
    reason: str


def frozen(cluster: Cluster, namespace: str) -> Freeze | None:
    """Look whether an environment is frozen; raise PreflightError when nobody can tell."""
    try:
        found = cluster.find(_path(namespace))
    except ApiError as error:
        told = f"it cannot be read whether {namespace} is frozen: {error}"
        if error.status == FORBIDDEN:
            told += (
                ". Nothing was changed.\n  Rule: a freeze that cannot be read may be there."
                f"\n  Way out: ask for the right to get configmaps in {namespace}."
            )
        raise PreflightError(told) from error
    if found is None:
        return None
    data = found.get("data") or {}
    since = data.get("since") or found["metadata"].get("creationTimestamp", "")
    return Freeze(data.get("who", "somebody"), since, data.get("reason", "no reason given"))


def check(cluster: Cluster, namespace: str, action: str) -> None:
    """Refuse an action that brings something new into a frozen environment, or into one that may be frozen."""
    freeze = frozen(cluster, namespace)
    if freeze:
        raise Refused(
            f"{action}: {namespace} was frozen by {freeze.who} at {freeze.since}: {freeze.reason}",
            "into a frozen environment nothing new gets in",
            "ask them, then the action unfreeze lifts it; rollback and abort work all the same",
        )


def told(cluster: Cluster, namespace: str) -> str:
    """Tell people of a freeze in one line; empty when there is none. For those who only look."""
    try:
        found = frozen(cluster, namespace)
    except PreflightError as error:
        return str(error).partition(". Nothing")[0]
    return f"frozen by {found.who} since {found.since}: {found.reason}" if found else ""


def freeze(cluster: Cluster, namespace: str, who: str, reason: str, clock: Clock = CLOCK) -> str:
    """Freeze; return one line for people. Refuse what is frozen already, or a freeze without a reason."""
    if not reason.strip():
        raise Refused(
            f"freeze of {namespace} without a reason",
            "whoever is held up can read why",
            "put `reason` into the plan",
        )
    since = write_time(clock.now())
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "labels": {"app.kubernetes.io/managed-by": "shipyard"}},
        "data": {"who": who, "since": since, "reason": reason},
    }
    try:
        cluster.request("POST", _path(namespace).rpartition("/")[0], body)
    except ApiError as error:
        if error.status == CONFLICT:
            check(cluster, namespace, "freeze")
        raise
    return f"{namespace} is frozen since {since} by {who}: {reason}"


def unfreeze(cluster: Cluster, namespace: str, who: str) -> str:
    """Lift a freeze; return one line for people. Lifting none is no error."""
    freeze = frozen(cluster, namespace)
    if freeze is None:
        return f"{namespace} is not frozen"
    try:
        cluster.request("DELETE", _path(namespace))
    except ApiError as error:
        if error.status != NOT_FOUND:
            raise
    return (
        f"{who} lifted the freeze of {namespace} by {freeze.who} at {freeze.since}: {freeze.reason}"
    )


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps/{NAME}"
