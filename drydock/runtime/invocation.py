"""How a command of Drydock is typed here, for messages that name the next one.

After `make setup` the program lies in a virtual environment that PATH does not know; a hint has to work as it stands.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_NAME = "drydock"


def typed(words: str) -> str:
    """Return `drydock WORDS` as a shell finds it: by name, by its path (from here, if it lies below), or through Python."""
    if shutil.which(_NAME):
        return f"{_NAME} {words}"
    program = Path(sys.prefix) / "bin" / _NAME
    if not program.is_file():
        return f"{sys.executable} -m drydock.cli {words}"
    here = Path.cwd()
    return f"{program.relative_to(here) if program.is_relative_to(here) else program} {words}"
