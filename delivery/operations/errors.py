"""What operations end in besides the errors of a delivery.

DeliveryError
├── Unhealthy           7  somebody looked, and something does not work
└── ExperimentFailed    7  users would have noticed what was done on purpose
"""

from delivery.errors import DeliveryError


class Unhealthy(DeliveryError):  # noqa: N818  a verdict about the environment, not a defect
    """Something in the environment does not work; the message is the whole report."""

    exit_code = 7


class ExperimentFailed(DeliveryError):  # noqa: N818  a verdict as well
    """The environment did not stand a disturbance; the message is the whole report."""

    exit_code = 7
