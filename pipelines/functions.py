"""How a function of Shipyard is exposed: always called anew, its arguments described once, its refusals readable."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import dagger
from dagger import Doc, function
from dagger.mod._exceptions import FunctionError  # the one error that is shown without a traceback

from pipelines.catalog import DocumentError, NotShippedError, UnknownNameError
from pipelines.flows.access import AccessError
from pipelines.flows.act import DisturbanceError, PartialCleanupError
from pipelines.flows.admission import AdmissionError
from pipelines.flows.graph import OnFailure
from pipelines.flows.selection import Request
from pipelines.flows.verdict import VerdictError
from pipelines.stages.changes import UnknownRevisionError
from pipelines.stages.saved_plan import SavedPlanError
from pipelines.stages.standing import UnreadableHistoryError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

EnvArgument = Annotated[str, Doc("Environment to act on: a folder below manifests/environments")]
ServiceArgument = Annotated[str, Doc("Only this service: a folder below services; all when empty")]
OnlyArgument = Annotated[
    list[str] | None, Doc("Only these services: folders below services; all when not given")
]
SinceArgument = Annotated[
    str, Doc("Only services that differ from this revision, e.g. origin/main; all when empty")
]
PlanArgument = Annotated[
    bool, Doc("Print the stages, what they wait for and what is known; run nothing")
]
FailFastArgument = Annotated[bool, Doc("Stop everything at the first failure")]
ByArgument = Annotated[
    str, Doc("Who asks for it, for the history; who made the last commit here when empty")
]
ReasonArgument = Annotated[str, Doc("Why, for the history")]
ApprovedByArgument = Annotated[
    str, Doc("Who approved it, where environment.yaml says approval: required")
]
RefArgument = Annotated[
    str,
    Doc(
        "What is shipped, e.g. branch:main, tag:v1.2.3 or refs/heads/main;"
        " every branch and tag at the commit when empty"
    ),
]
SavedPlanArgument = Annotated[
    dagger.File | None, Doc("Deliver this file of plan-release as it is, and build nothing")
]

_READABLE = (
    NotShippedError,
    UnknownNameError,
    UnknownRevisionError,
    DocumentError,
    AccessError,
    AdmissionError,
    DisturbanceError,
    PartialCleanupError,
    SavedPlanError,
    UnreadableHistoryError,
    VerdictError,
)


def uncached(func: F) -> F:
    """Expose a function that the engine calls every time.

    The decorator's overloads do not know its own `cache` argument, hence the detour.
    """
    decorate: Callable[..., Callable[[F], F]] = function
    return decorate(cache="never")(func)


@contextmanager
def readable() -> Iterator[None]:
    """Turn what people should read into a message without a traceback."""
    try:
        yield
    except _READABLE as error:
        raise FunctionError(str(error)) from None


async def told(work: Awaitable[T]) -> T:
    """Wait for work and make its refusals readable."""
    with readable():
        return await work


def request(
    only: list[str] | None, since: str = "", *, fail_fast: bool = False, plan: bool = False
) -> Request:
    """Put together what a run is about; refuse an --only that names nothing, such as an empty variable."""
    if only is not None and not (only and all(map(str.strip, only))):
        raise FunctionError("--only names no service. Leave it out for all of them, or name some")
    return Request(
        only=tuple(only or ()),
        since=since,
        plan=plan,
        on_failure=OnFailure.STOP if fail_fast else OnFailure.FINISH,
    )
