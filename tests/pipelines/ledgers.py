"""The ledger without an engine: its program runs on this machine, its volume is a folder."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import anyio
import dagger
import pytest

from pipelines.toolchains import ledger
from tests.pipelines.errors import query_error

PROGRAM = Path(__file__).parents[2] / "pipelines/programs/ledger.py"


@dataclass(frozen=True)
class LedgerContainer:
    """Stands for the container that the ledger's program runs in; paths in it lie below `root`."""

    root: Path
    command: tuple[str, ...] = ()
    words: str = ""

    def with_exec(self, args: list[str], stdin: str = "") -> "LedgerContainer":
        """Note a command; as in an engine it is run when something of it is asked for."""
        return replace(self, command=tuple(args), words=stdin)

    async def sync(self) -> "LedgerContainer":
        """Run the command."""
        _timeout, _seconds, _python, _program, verb, *paths = self.command
        places = [str(self.root / path.lstrip("/")) for path in paths]
        for place in places:
            await anyio.Path(place).parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(PROGRAM), verb, *places]
        done = await anyio.run_process(command, input=self.words.encode(), check=False)
        if done.returncode != 0:
            raise query_error(done.stderr.decode())
        return self

    def file(self, path: str) -> "LedgerFile":
        """Name a file that the command wrote."""
        return LedgerFile(self, path)


@dataclass(frozen=True)
class LedgerFile:
    """A file of it."""

    container: LedgerContainer
    path: str

    async def contents(self) -> str:
        """Run, then read."""
        await self.container.sync()
        return await anyio.Path(self.container.root / self.path.lstrip("/")).read_text()


def keep_in(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the ledger lie in a folder of this machine; give its file."""
    container = cast("dagger.Container", LedgerContainer(root))
    monkeypatch.setattr(ledger, "_ledger", lambda: container)
    return root / "ledger/stages.jsonl"
