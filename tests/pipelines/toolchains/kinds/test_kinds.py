"""The kinds of services: each has its tools, and says what they read and where they write."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from pipelines.model import Kind
from pipelines.toolchains.kinds import BUNDLE, HOME, REPORTS, Check, toolchain_of
from pipelines.toolchains.kinds.angular import Angular
from pipelines.toolchains.kinds.dockerfile import Dockerfile
from pipelines.toolchains.kinds.node import Node
from pipelines.toolchains.kinds.python import Python

STAGES = ("format", "lint", "types", "test")
LANGUAGES = [Kind.PYTHON, Kind.NODE, Kind.ANGULAR]


def checks() -> Iterator[tuple[Kind, str, Check]]:
    """Give every check of every kind, the fixes and bundles among them."""
    for kind in Kind:
        tools = toolchain_of(kind)
        for stage, check in tools.checks.items():
            yield kind, stage, check
        for stage, other in (("fix", tools.fix), ("bundle", tools.bundle())):
            if other is not None:
                yield kind, stage, other


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_toolchain(kind: Kind) -> None:
    tools = {Kind.PYTHON: Python, Kind.NODE: Node, Kind.ANGULAR: Angular}
    assert type(toolchain_of(kind)) is tools.get(kind, Dockerfile)


@pytest.mark.parametrize("kind", LANGUAGES)
def test_a_language_has_all_stages_a_formatter_and_locks(kind: Kind) -> None:
    tools = toolchain_of(kind)
    assert set(tools.checks) == set(STAGES)
    assert tools.fix is not None
    assert tools.locks


def test_a_dockerfile_has_none_of_them() -> None:
    tools = toolchain_of(Kind.DOCKERFILE)
    assert (dict(tools.checks), tools.fix, tools.bundle(), tools.locks) == ({}, None, None, ())


def test_every_check_has_commands_of_words() -> None:
    for kind, stage, check in checks():
        assert check.commands, (kind, stage)
        for command in check.commands:
            assert command, (kind, stage)
            assert all(isinstance(word, str) and word for word in command), (kind, stage)


def test_what_a_check_reads_are_patterns_inside_the_service() -> None:
    """And such that what they name can be there: Python's code and the settings of its tools."""
    for kind, stage, check in checks():
        assert isinstance(check.reads, tuple), (kind, stage)
        for pattern in check.reads:
            assert not PurePosixPath(pattern).is_absolute(), (kind, stage, pattern)
            assert ".." not in PurePosixPath(pattern).parts, (kind, stage, pattern)
    assert PurePosixPath("deep/er/app.py").match(Python.checks["format"].reads[0])


def test_what_a_tool_keeps_lies_outside_of_the_service() -> None:
    kept = {check.cache for _, _, check in checks() if check.cache}
    assert kept == {"/mypy"}
    assert not any(cache.startswith((HOME, REPORTS)) for cache in kept)


def test_only_angular_tests_need_types_that_fit_and_only_it_is_bundled() -> None:
    assert [kind for kind in Kind if toolchain_of(kind).compiles] == [Kind.ANGULAR]
    assert [kind for kind in Kind if toolchain_of(kind).bundle()] == [Kind.ANGULAR]


def test_a_bundle_ends_where_the_image_takes_it_from() -> None:
    bundle = toolchain_of(Kind.ANGULAR).bundle()
    assert bundle is not None
    assert BUNDLE in bundle.commands[0][-1]


def test_the_formatter_is_the_one_that_the_stage_asks() -> None:
    """Otherwise the fix of one tool is the finding of another."""
    for kind in LANGUAGES:
        tools = toolchain_of(kind)
        assert tools.fix is not None
        fixing = {command[0] for command in tools.fix.commands}
        assert fixing == {command[0] for command in tools.checks["format"].commands}
        assert tools.fix.reads == tools.checks["format"].reads
        assert not any("--check" in command for command in tools.fix.commands)


def test_pythons_tests_leave_the_reports_that_are_promised() -> None:
    (command,) = Python.checks["test"].commands
    for name in ("junit.xml", "coverage.xml", "lcov.info"):
        assert any(word.endswith(f"{REPORTS}/{name}") for word in command)
