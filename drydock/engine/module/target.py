"""Which function of which object is called: what `inputs.py`, `kept.py` and `calls.py` speak about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drydock.engine.module.typedefs import Function

if TYPE_CHECKING:
    from drydock.engine.module.loaded import LoadedModule


@dataclass(frozen=True)
class Target:
    """Which function of which object is called."""

    module: LoadedModule
    type_name: str  # in the API
    original_type: str  # in Python
    function: Function  # the constructor's original name is empty
    state: Mapping[str, Any] | None

    @property
    def is_constructor(self) -> bool:
        """Whether an object of the type is made."""
        return self.state is None

    @property
    def title(self) -> str:
        """The function's name in errors."""
        return self.function.original or self.original_type
