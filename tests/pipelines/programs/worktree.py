"""A real repository, and the programs that ask git about it, run as the stages run them."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parents[3] / "pipelines/programs"
TIME = 1_700_000_000
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "N", "EMAIL": "n@example.com", "DATE": f"{TIME} +0000"}.items()
}


@dataclass(frozen=True)
class WorkTree:
    """A work tree; what asks git about it lies beside."""

    root: Path

    @classmethod
    def make(cls, beside: Path, *files: str) -> "WorkTree":
        """Commit files, and a rule that ignores logs."""
        tree = cls(beside / "work")
        tree.root.mkdir()
        tree.write(".gitignore", "*.log\n")
        for file in files:
            tree.write(file, "x = 1\n")
        tree.git("init", "-q", "-b", "main")
        tree.commit()
        return tree

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def git(self, *args: str) -> str:
        """Run git as somebody at a fixed time."""
        environ = {**os.environ, **IDENTITY}
        done = subprocess.run(
            ["git", *args], cwd=self.root, env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "all")

    def ask(self, program: str, *args: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run a program beside git's objects: no configuration, no index; `environ` is added to what it sees."""
        objects = self.root.with_name("git")
        shutil.rmtree(objects, ignore_errors=True)
        if (self.root / ".git").exists():
            left_out = shutil.ignore_patterns("config", "index", "hooks", "logs")
            shutil.copytree(self.root / ".git", objects, ignore=left_out)
        return subprocess.run(
            ["sh", str(PROGRAMS / program), *args],
            cwd=self.root,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.root.parent),
                "GIT_DIR": str(objects),
                "GIT_WORK_TREE": str(self.root),
                "GIT_INDEX_FILE": str(self.root.with_name("index")),
                **environ,
            },
            capture_output=True,
            text=True,
            check=False,
        )
