"""Keys: they change with what a stage reads, and with nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from pipelines.flows.board import Board
from pipelines.flows.graph import Task
from pipelines.flows.keys import Input, keys_of
from tests.pipelines.examples import Folder


@dataclass
class Counted:
    """Files that count how often they are digested."""

    times: int = 0

    async def digest(self) -> str:
        """Count."""
        self.times += 1
        return "sha256:counted"


async def nothing() -> None:
    """Do nothing."""


def stages(
    named: Sequence[tuple[str, tuple[Input | str, ...]]],
) -> dict[Task[None], tuple[Input, ...]]:
    """Put stages on a board; an input `@lint` is the stage of that name."""
    board = Board()
    tasks: dict[str, Task[None]] = {}
    inputs: dict[Task[None], tuple[Input, ...]] = {}
    for name, given in named:
        tasks[name] = board.stage("", name, nothing)
        inputs[tasks[name]] = tuple(
            tasks[each[1:]] if isinstance(each, str) and each.startswith("@") else each
            for each in given
        )
    return inputs


async def keys(
    *named: tuple[str, tuple[Input | str, ...]], program: str = "pipelines"
) -> dict[str, str]:
    """Compute the keys of stages by their names."""
    computed = await keys_of(stages(named), Folder(program))
    return {task.name: key for task, key in computed.items()}


async def test_equal_inputs_give_equal_keys() -> None:
    """Of other objects, in another run."""
    given = ("lint", (Folder("code"), "words"))
    again = ("lint", (Folder("code"), "words"))
    assert await keys(given) == await keys(again)


@pytest.mark.parametrize(
    "other",
    [
        ("lint", (Folder("other code"), "words")),
        ("lint", (Folder("code"), "other words")),
        ("lint", (Folder("code"),)),
        ("lint", (Folder("code"), "words", "")),
        ("lint", (Folder("code"), "wor", "ds")),
        ("format", (Folder("code"), "words")),
    ],
)
async def test_other_inputs_or_another_stage_give_another_key(
    other: tuple[str, tuple[Input | str, ...]],
) -> None:
    before = await keys(("lint", (Folder("code"), "words")))
    assert set((await keys(other)).values()).isdisjoint(before.values())


async def test_another_program_gives_other_keys() -> None:
    lint = ("lint", ("words",))
    assert await keys(lint) != await keys(lint, program="changed pipelines")


async def test_the_key_of_a_stage_changes_with_the_keys_of_those_it_reads() -> None:
    """Along the whole chain, and nowhere else."""

    def chain(code: str) -> tuple[tuple[str, tuple[Input | str, ...]], ...]:
        return (
            ("build", (Folder(code),)),
            ("scan", ("@build", "2026-11-25")),
            ("judge", ("@scan",)),
            ("lint", ("words",)),
        )

    before, after = await keys(*chain("code")), await keys(*chain("other code"))
    assert {name for name in before if before[name] != after[name]} == {"build", "scan", "judge"}


async def test_keys_do_not_depend_on_the_order_on_the_board() -> None:
    lint, build = ("lint", ("words",)), ("build", (Folder("code"),))
    scan = ("scan", ("@build",))
    first = await keys(lint, build, scan)
    assert first == await keys(build, scan, lint)
    assert len(set(first.values())) == 3


async def test_what_reads_a_stage_without_a_key_has_none_either() -> None:
    board = Board()
    effect = board.stage("", "push", nothing)
    reader = board.stage("", "look", nothing)
    further = board.stage("", "tell", nothing)
    known = board.stage("", "lint", nothing)
    inputs: dict[Task[None], tuple[Input, ...]] = {
        reader: (effect, "words"),
        further: (reader,),
        known: ("words",),
    }
    assert set(await keys_of(inputs, Folder("pipelines"))) == {known}


async def test_files_that_many_stages_read_are_digested_once() -> None:
    code = Counted()
    computed = await keys(("format", (code,)), ("lint", (code, "words")), ("test", (code,)))
    assert len(set(computed.values())) == 3
    assert code.times == 1
