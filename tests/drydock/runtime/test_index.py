"""The index: values outlive processes and are never half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from drydock.runtime.index import Index


def test_values_come_back_until_they_are_deleted(tmp_path: Path) -> None:
    """JSON values by space and key; another file handle sees them."""
    index, other = Index(tmp_path / "i.db"), Index(tmp_path / "i.db")
    index.put("a", "k", {"x": [1, None]})
    index.put_many("b", {"k": 1, "l": "two"})
    assert other.get("a", "k") == {"x": [1, None]}
    assert other.items("b") == [("k", 1), ("l", "two")]
    assert other.get("b", "none") is None
    other.delete("b", "k")
    index.clear("a")
    assert index.items("b") == [("l", "two")]
    assert other.get("a", "k") is None
    index.close()
    other.close()


def test_processes_write_at_the_same_time(tmp_path: Path) -> None:
    """Nobody's entries are lost, nobody waits for ever."""
    script = (
        "import sys; from pathlib import Path; from drydock.runtime.index import Index\n"
        "index = Index(Path(sys.argv[1]))\n"
        "for n in range(100): index.put('s', f'{sys.argv[2]}-{n}', n)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "i.db")]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    index = Index(tmp_path / "i.db")
    assert len(index.items("s")) == 400
    index.close()
