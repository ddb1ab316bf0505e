"""Gates: what must hold before traffic goes to a new colour, and for a while after it did.

The protocol and its policy, pure. `delivery/gates/` holds the gates themselves and reads them from the
plan; `delivery/bluegreen/` asks them: once each on the preview, in rounds on the live Service.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from delivery.cluster import Cluster


class Result(StrEnum):
    """What a gate saw."""

    PASS = "pass"  # noqa: S105  a verdict, not a password
    FAIL = "fail"
    ERROR = "error"
    NO_DATA = "no-data"


class Answer(StrEnum):
    """What follows from a result that is neither pass nor fail."""

    GO = "go"
    BLOCK = "block"


class Stage(StrEnum):
    """When a gate is asked: on the idle colour before the switch, or on the live one after it."""

    PREVIEW = "preview"
    LIVE = "live"


@dataclass(frozen=True)
class Policy:
    """What results mean. `limit` is how many bad ones in a row, of rounds on the live Service, block."""

    error: Answer = Answer.BLOCK
    no_data: Answer = Answer.BLOCK
    limit: int = 1


@dataclass(frozen=True)
class Subject:
    """What is judged: the pods of one colour of one application, and how they are reached.

    `address` is the Service object to ask (NAME-preview, or NAME after the switch), `port` the name of its
    port, `pods` the label selector of the colour's pods, `baseline` that of the other colour's and
    `baseline_address` the Service that selects those, both empty when the other colour has no ready pods.
    `since` is when the stage began, UTC: what happened before is not this release's doing.
    """

    namespace: str
    service: str
    colour: str
    address: str
    health: str
    pods: str
    baseline: str
    stage: Stage
    since: datetime
    port: str = "http"
    baseline_address: str = ""


@dataclass(frozen=True)
class Verdict:
    """One result, with the reason in a sentence and the numbers it was made of."""

    gate: str
    result: Result
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)


class Gate(Protocol):
    """One question about a release. A gate writes nothing to the cluster."""

    @property
    def name(self) -> str:
        """Name the gate in the plan's words; unique within a service and stage."""
        ...

    @property
    def policy(self) -> Policy:
        """Say what its results mean."""
        ...

    def judge(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        """Give one verdict within bounded time.

        What goes wrong while asking is ERROR, never an exception; too few samples are NO_DATA. A gate that
        takes over a second calls `alive` at least every second and lets through what it raises.
        """
        ...


def blocks(policy: Policy, result: Result) -> bool:
    """Tell whether one result stands against the release."""
    if result is Result.ERROR:
        return policy.error is Answer.BLOCK
    if result is Result.NO_DATA:
        return policy.no_data is Answer.BLOCK
    return result is Result.FAIL
