"""Static security analysis, with tools that Shipyard brings: bandit for Python, ESLint for JavaScript and Angular.

Nothing of a service counts but its code: neither its settings nor its packages can switch a rule off.
"""

from collections.abc import Callable
from dataclasses import dataclass

import dagger
from dagger import dag

from pipelines.model import Kind
from pipelines.programs import program
from pipelines.toolchains import node, python
from pipelines.toolchains.pinned import pinned
from pipelines.toolchains.run import Ran, run

_TOOL = "/sast"
_REPORTS = "/reports"
_SARIF = f"{_REPORTS}/sast.sarif"
_SECONDS = 300


def _bandit() -> dagger.Container:
    return (
        python.install(python.base(), pinned("bandit"), ["requirements.txt"])
        .with_directory(_REPORTS, dag.directory())
        .with_new_file(f"{_TOOL}/scan_python.py", program("sast/scan_python.py"))
    )


def _eslint() -> dagger.Container:
    container = node.install(
        node.unprivileged(node.base()), pinned("eslint"), _TOOL, "--ignore-scripts"
    )
    for name in (
        "scan_javascript.mjs",
        "rules.mjs",
        "program.mjs",
        "request_data.mjs",
        "trail.mjs",
        "templates.mjs",
        "sarif.mjs",
    ):
        container = container.with_new_file(f"{_TOOL}/{name}", program(f"sast/{name}"))
    return container


@dataclass(frozen=True)
class _Analysis:
    """A tool, the command that is given folder and report, and the files that are judged: not those of tests.

    Tests are known by their names anywhere, folders of tests and of what tools write only at the top of the service:
    below it, `src/reports` or `src/testing` is code like any other.
    """

    tool: Callable[[], dagger.Container]
    command: tuple[str, ...]
    code: tuple[str, ...]
    tests: tuple[str, ...]


_PYTHON = _Analysis(
    _bandit,
    ("python", f"{_TOOL}/scan_python.py"),
    ("**/*.py",),
    ("**/test_*.py", "**/*_test.py", "**/conftest.py", "tests/**", ".venv/**"),
)
_JAVASCRIPT = _Analysis(
    _eslint,
    ("node", f"{_TOOL}/scan_javascript.mjs"),
    tuple(
        f"**/*.{ending}"
        for ending in ("js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "html")
    ),
    (
        *("**/*.test.*", "**/*.spec.*", "test/**", "tests/**", "testing/**"),
        *("node_modules/**", "dist/**", ".angular/**", "coverage/**", "reports/**"),
    ),
)
_ANALYSES = {Kind.PYTHON: _PYTHON, Kind.NODE: _JAVASCRIPT, Kind.ANGULAR: _JAVASCRIPT}
KINDS = frozenset(_ANALYSES)
"""The kinds of services whose code can be analysed."""


def judged(kind: Kind, files: dagger.Directory) -> dagger.Directory:
    """Leave of a service's files those whose code is judged; KeyError for a kind without an analysis."""
    analysis = _ANALYSES[kind]
    return files.filter(include=list(analysis.code), exclude=list(analysis.tests))


async def analyse(kind: Kind, files: dagger.Directory, fresh: str, *, path: str = "service") -> Ran:
    """Analyse a service's code; `path` is how findings name its folder.

    Exit code 0: nothing grave; 1: findings of medium severity or above; 2: the tool could not look.
    """
    if kind not in _ANALYSES:
        raise ValueError(f"there is no security analysis for services of kind {kind}")
    analysis = _ANALYSES[kind]
    container = (
        analysis.tool()
        .with_mounted_directory(f"/repository/{path}", judged(kind, files))
        .with_workdir("/repository")
    )
    if fresh:
        container = container.with_env_variable("SHIPYARD_FRESH", fresh)
    return await run(container, [*analysis.command, path, _SARIF], seconds=_SECONDS)
