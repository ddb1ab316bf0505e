"""The kinds of services: each has its tools, and says what they read and where they write."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from pipelines.model import Kind
from pipelines.toolchains.kinds import BUNDLE, REPORTS, Check, toolchain_of

LANGUAGES = [Kind.PYTHON, Kind.NODE, Kind.ANGULAR]
BIN = "/service/node_modules/.bin"
PROGRAMS = {
    Kind.PYTHON: {
        "format": ["black", "isort"],
        "lint": ["flake8", "flake8"],
        "types": ["mypy"],
        "test": ["pytest"],
        "fix": ["isort", "black"],
    },
    Kind.NODE: {
        "format": [f"{BIN}/prettier"],
        "lint": [f"{BIN}/eslint"],
        "types": [f"{BIN}/tsc"],
        "test": ["npm"],
        "fix": [f"{BIN}/prettier"],
    },
    Kind.ANGULAR: {
        "format": [f"{BIN}/prettier"],
        "lint": [f"{BIN}/ng"],
        "types": [f"{BIN}/ngc", f"{BIN}/ngc"],
        "test": [f"{BIN}/ng"],
        "fix": [f"{BIN}/prettier"],
        "bundle": ["sh"],
    },
    Kind.DOCKERFILE: {},
}
"""What each stage starts; the fix and the bundle beside the checks."""
LOCKS = {
    Kind.PYTHON: ("requirements.txt", "requirements-dev.txt"),
    Kind.NODE: ("package.json", "package-lock.json", ".npmrc"),
    Kind.ANGULAR: ("package.json", "package-lock.json", ".npmrc"),
    Kind.DOCKERFILE: (),
}
CHECKING = {"--check", "--check-only"}


def checks(kind: Kind) -> Iterator[tuple[str, Check]]:
    """Give every check of a kind, the fix and the bundle among them."""
    tools = toolchain_of(kind)
    yield from tools.checks.items()
    for stage, other in (("fix", tools.fix), ("bundle", tools.bundle())):
        if other is not None:
            yield stage, other


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_starts_its_own_programs(kind: Kind) -> None:
    found = {stage: [words[0] for words in check.commands] for stage, check in checks(kind)}
    assert found == PROGRAMS[kind]


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_installed_follows_from_the_locks(kind: Kind) -> None:
    assert toolchain_of(kind).locks == LOCKS[kind]


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("app.py", True),
        ("deep/er/app.py", True),
        ("stubs/app.pyi", True),
        ("pyproject.toml", True),
        (".flake8", True),
        ("README.md", False),
        ("requirements.txt", False),
        ("templates/page.html", False),
    ],
)
def test_pythons_code_and_settings_count_for_all_but_the_tests(path: str, counts: bool) -> None:
    """A `**/` of the engine's patterns may be no folder at all, which pathlib has no word for."""
    for stage in ("format", "lint", "types", "fix"):
        (check,) = [check for name, check in checks(Kind.PYTHON) if name == stage]
        patterns = [pattern.removeprefix("**/") for pattern in check.reads]
        found = any(PurePosixPath(path).match(pattern) for pattern in patterns)
        assert found is counts, stage


def test_everything_counts_for_everything_else() -> None:
    """Tests open any file, and the tools of Node.js are set up in any."""
    narrow = {(kind, stage) for kind in Kind for stage, check in checks(kind) if check.reads}
    stages = ("format", "lint", "types", "fix")
    assert narrow == {(Kind.PYTHON, stage) for stage in stages}


def test_only_mypy_keeps_what_it_learned_outside_of_the_service() -> None:
    kept = {
        (kind, stage): check.cache for kind in Kind for stage, check in checks(kind) if check.cache
    }
    assert kept == {(Kind.PYTHON, "types"): "/mypy"}
    assert (
        f"--cache-dir={kept[Kind.PYTHON, 'types']}"
        in dict(checks(Kind.PYTHON))["types"].commands[0]
    )


def test_only_angular_tests_need_types_that_fit() -> None:
    assert [kind for kind in Kind if toolchain_of(kind).compiles] == [Kind.ANGULAR]


def test_a_bundle_ends_where_the_image_takes_it_from() -> None:
    ((*_, script),) = dict(checks(Kind.ANGULAR))["bundle"].commands
    assert f"mv /dist/out/browser {BUNDLE}" in script


@pytest.mark.parametrize("kind", LANGUAGES)
def test_the_stage_only_looks_and_the_fix_writes(kind: Kind) -> None:
    """With the same programs on the same files: the fix of one tool would be the finding of another."""
    found = dict(checks(kind))
    looking = {words[0] for words in found["format"].commands if CHECKING & set(words)}
    writing = {words[0] for words in found["fix"].commands if not CHECKING & set(words)}
    assert looking == writing == set(PROGRAMS[kind]["format"])
    assert found["fix"].reads == found["format"].reads


def test_no_settings_switch_off_flake8s_finding_that_code_cannot_run() -> None:
    fatal, _ = dict(checks(Kind.PYTHON))["lint"].commands
    assert fatal[1:3] == ("--isolated", "--select=E9,F63,F7,F82")


def test_pythons_tests_leave_the_reports_that_are_promised() -> None:
    (command,) = dict(checks(Kind.PYTHON))["test"].commands
    for name in ("junit.xml", "coverage.xml", "lcov.info"):
        assert any(word.endswith(f"{REPORTS}/{name}") for word in command), name
