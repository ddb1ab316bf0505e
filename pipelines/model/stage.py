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
    """The verdict of one stage, of one service or (with an empty `service`) of the whole run.

    `output` is what the tool itself wrote, `reproduce` the command that runs this stage alone,
    `seconds` the time it took, `note` a few words for the summary, `remark` what
    the summary says below its table, `since` when the same inputs first gave
    this answer (UTC), if that was in an earlier run, and `saved` the seconds that it took longer then.
    """

    service: str
    stage: str
    status: Status
    seconds: float = 0.0
    exit_code: int = 0
    output: str = ""
    note: str = ""
    remark: str = ""
    reproduce: str = ""
    since: str = ""
    saved: float = 0.0

    @property
    def name(self) -> str:
        """The name that people see."""
        return f"{self.service}: {self.stage}" if self.service else self.stage


class StageFailure(Exception):  # noqa: N818  it is a verdict, not a defect
    """A tool said no: its exit code and what it wrote."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code
        self.output = output
