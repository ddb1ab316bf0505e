"""What was asked for besides the verb: by whom, why, with whose approval, of which ref, and how far it may go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Order:
    """The words that come with a delivery; empty ones were not said.

    `ref` says what is shipped, such as `branch:main` or `tag:v1.2.3`. `limits` are the keys of the plan that
    bound single actions: `scope`, `confirmed` and `chaos`.
    """

    by: str = ""
    reason: str = ""
    approved_by: str = ""
    ref: str = ""
    limits: Mapping[str, Any] = field(default_factory=dict, hash=False)
