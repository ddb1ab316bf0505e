"""Dependency audit: what the package registries hold against the versions that a service pins.

One container asks, with the tool of the ecosystem (pip-audit, npm); another judges. Advisories change
while lock files do not, so an answer is believed for a quarter of a day; that holds for silence too.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import dagger
import yaml
from dagger import dag

from pipelines.model import Kind
from pipelines.programs import program
from pipelines.toolchains import node, python
from pipelines.toolchains.calendar import this_quarter, today
from pipelines.toolchains.pinned import pinned
from pipelines.toolchains.run import Ran, run

_LOCKS = "/locks"
_ANSWER = "/tmp/answer.json"  # noqa: S108  a container's own
_REPORTS = "/reports"
_SECONDS = 180
_DEFECT = 2


def _pip_audit() -> dagger.Container:
    return python.install(python.base(), pinned("pip-audit"), ["requirements.txt"]).with_new_file(
        "/audit/ask_pip.py", program("audit/ask_pip.py")
    )


def _npm() -> dagger.Container:
    return node.base().with_new_file("/audit/ask_npm.mjs", program("audit/ask_npm.mjs"))


@dataclass(frozen=True)
class _Asking:
    """A tool, the command that is given locks and answer, and the files that it reads."""

    tool: Callable[[], dagger.Container]
    command: tuple[str, ...]
    locks: tuple[str, ...]


_PYTHON = _Asking(
    _pip_audit,
    ("python", "/audit/ask_pip.py"),
    ("requirements.txt", "requirements-dev.txt"),
)
_NPM = _Asking(_npm, ("node", "/audit/ask_npm.mjs"), node.LOCKS)
_ASKING = {Kind.PYTHON: _PYTHON, Kind.NODE: _NPM, Kind.ANGULAR: _NPM}
KINDS = frozenset(_ASKING)
"""The kinds of services whose dependencies can be audited."""


async def audit(
    kind: Kind,
    files: dagger.Directory,
    exceptions: str,
    fresh: str,
    *,
    path: str = "service",
) -> Ran:
    """Audit what a service's lock files pin; `exceptions` is the text of its ignore file, empty if it has none.

    Exit code 0: nothing that fails; 1: production would run with known vulnerabilities; 2: the audit
    itself is at fault; 3: it could not be made, and the last line of the output says why.
    """
    if kind not in _ASKING:
        raise ValueError(f"there is no dependency audit for services of kind {kind}")
    asking = _ASKING[kind]
    asked = await run(
        asking.tool()
        .with_directory(_REPORTS, dag.directory())
        .with_mounted_directory(_LOCKS, files.filter(include=list(asking.locks)))
        .with_env_variable("ADVISORIES_OF", fresh or this_quarter()),
        [*asking.command, _LOCKS, _ANSWER],
        seconds=_SECONDS,
    )
    if asked.exit_code != 0:
        return Ran(_DEFECT, asked.output, asked.container)
    judging = (
        python.base()
        .with_directory(_REPORTS, dag.directory())
        .with_new_file("/audit/judge.py", program("audit/judge.py"))
        .with_new_file("/audit/exceptions.json", accepted(exceptions))
        .with_file("/audit/answer.json", asked.container.file(_ANSWER))
    )
    command = ["python", "/audit/judge.py", "/audit/answer.json", "/audit/exceptions.json"]
    return await run(judging, [*command, today(), path, _REPORTS])


def accepted(exceptions: str) -> str:
    """Turn the vulnerabilities of an ignore file, which was checked before, into JSON."""
    entries = (yaml.safe_load(exceptions) or {}).get("vulnerabilities") or []
    return json.dumps(entries, default=str, sort_keys=True)
