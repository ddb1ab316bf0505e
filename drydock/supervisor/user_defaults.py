"""The `.env` beside `dagger.json`: this machine's values for the arguments of Shipyard's constructor.

`drydock start` writes it so that `call ship --env=local` needs no flag, on Drydock and on a real engine alike. Lines that
a person wrote are never touched: ours stand between two marks and are replaced as a whole.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from drydock.supervisor.address_book import Running

MODULE = "shipyard"
BEGIN = "# --- written by drydock start; lines outside of the marks are yours ---"
END = "# --- end of drydock start ---"
ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")


@dataclass(frozen=True)
class Written:
    """What became of the file: the path, the names written and those left as a person wrote them."""

    path: Path
    names: tuple[str, ...]
    kept: tuple[str, ...]


def find_module(folder: Path) -> Path | None:
    """Return the nearest folder upwards whose dagger.json is Shipyard's or depends on Shipyard, or None."""
    for candidate in (folder, *folder.parents):
        config = candidate / "dagger.json"
        if config.is_file():
            return candidate if _uses_shipyard(config) else None
    return None


def write(folder: Path, running: Running) -> Written:
    """Write the defaults for a running machine into `folder/.env`."""
    path = folder / ".env"
    theirs = _without_ours(path.read_text() if path.exists() else "")
    taken = {match[1].lower() for line in theirs.splitlines() if (match := ASSIGNMENT.match(line))}
    values = {
        "SHIPYARD_CLUSTER": f"tcp://127.0.0.1:{running.ports.api}",
        "SHIPYARD_REGISTRY": f"tcp://127.0.0.1:{running.ports.registry}",
        "SHIPYARD_KUBECONFIG": f"file://{running.kubeconfig}",
    }
    kept = tuple(name for name in values if name.lower() in taken)
    ours = {name: value for name, value in values.items() if name not in kept}
    text = theirs
    if ours:
        block = "\n".join([BEGIN, *(f'{name}="{value}"' for name, value in ours.items()), END])
        text = (theirs.rstrip("\n") + "\n\n" if theirs.strip() else "") + block + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return Written(path, tuple(ours), kept)


def _without_ours(text: str) -> str:
    block = re.compile(rf"\n?{re.escape(BEGIN)}\n.*?{re.escape(END)}\n?", re.DOTALL)
    return block.sub("", text)


def _uses_shipyard(config: Path) -> bool:
    try:
        content = json.loads(config.read_text())
    except json.JSONDecodeError:
        return False
    if not isinstance(content, dict):
        return False
    names = [content.get("name"), *(item.get("name") for item in content.get("dependencies", []))]
    return MODULE in names
