"""What can go wrong in a delivery, by exit code.

DeliveryError           1  the API failed for longer than is waited for
├── Stopped             1  it stopped where it was and put nothing back: the lock was lost, or asked to end
├── PlanError           2  the plan cannot be understood
├── PreflightError      3  nothing was changed: cluster, rights, namespace, quota, lock
│   └── Refused         3  a rule forbids it; the message names the rule and the way out
├── RolloutError        4  the new version did not come up; the old one was put back
├── RollbackError       5  the old one did not come back either
└── VerificationError   6  it came up but does not answer; the old one was put back
"""


class DeliveryError(Exception):
    """A delivery that ended badly; the message says what happened and what to do."""

    exit_code = 1


class Stopped(DeliveryError):  # noqa: N818  no defect
    """A run that stopped where it was and put nothing back; users are where they were then."""


class PlanError(DeliveryError):
    """The plan is not one that this program understands."""

    exit_code = 2


class PreflightError(DeliveryError):
    """Something is missing that a release needs; nothing was changed."""

    exit_code = 3


class Refused(PreflightError):  # noqa: N818  a verdict, not a defect
    """A rule forbids what was asked for; nothing was changed."""

    def __init__(self, what: str, rule: str, way_out: str) -> None:
        super().__init__(f"{what}. Nothing was changed.\n  Rule: {rule}.\n  Way out: {way_out}.")
        self.rule, self.way_out = rule, way_out


class RolloutError(DeliveryError):
    """The new version did not come up."""

    exit_code = 4


class RollbackError(DeliveryError):
    """The old version did not come back."""

    exit_code = 5


class VerificationError(DeliveryError):
    """The new version came up, but does not answer as it should."""

    exit_code = 6
