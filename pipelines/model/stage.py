"""What a stage says when it has ended."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a stage ended. `NOT_MADE` is neither good nor bad news: the work could not be done."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MADE = "not made"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """The verdict of one stage on one service.

    `output` is what the tool itself wrote, `reproduce` the command that runs this stage alone,
    `seconds` the time from start to verdict, `note` one line for the summary.
    """

    service: str
    stage: str
    status: Status
    seconds: float = 0.0
    exit_code: int = 0
    output: str = ""
    note: str = ""
    reproduce: str = ""


class StageFailure(Exception):  # noqa: N818 - it is a verdict, not a defect
    """A tool said no. Carries the verdict to the flow, which goes on with what does not depend on it."""

    def __init__(self, result: StageResult) -> None:
        super().__init__(f"{result.service}: {result.stage} failed with exit code {result.exit_code}")
        self.result = result
