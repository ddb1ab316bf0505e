"""Running a tool: its no is an answer, it ends in any case, and an engine's error is told in words."""

from dataclasses import dataclass, field
from typing import Any, cast

import dagger
import pytest

from pipelines.stages.judge import run_all
from pipelines.toolchains.run import Ran, explain, nonce, run
from tests.pipelines.errors import exec_error, query_error


@dataclass
class Tool:
    """Stands for a container in which commands end as told, by their first word."""

    answers: dict[str, tuple[int, str] | Exception]
    asked: list[tuple[list[str], object]] = field(default_factory=list)

    def with_exec(self, args: list[str], expect: object) -> "Ended":
        """Note the command."""
        self.asked.append((args, expect))
        return Ended(self.answers[args[4]])


@dataclass
class Ended:
    """A container after a command."""

    answer: tuple[int, str] | Exception

    async def exit_code(self) -> int:
        """Give the code, or the error of an engine."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer[0]

    async def combined_output(self) -> str:
        """Give what was written."""
        return cast("tuple[int, str]", self.answer)[1]


def tool(**answers: tuple[int, str] | Exception) -> tuple[Tool, dagger.Container]:
    """Make a container, as itself and as the type that it stands for."""
    made = Tool(answers)
    return made, cast("Any", made)


async def test_a_tool_runs_below_a_time_limit_and_its_no_is_an_answer() -> None:
    made, container = tool(lint=(3, "app.py:1: no\n"))
    ran = await run(container, ["lint", "."], seconds=30)
    assert (ran.exit_code, ran.output) == (3, "app.py:1: no\n")
    limited = ["timeout", "--signal=KILL", "--kill-after=10", "30", "lint", "."]
    assert made.asked == [(limited, dagger.ReturnType.ANY)]


async def test_a_tool_that_ended_in_order_when_its_time_was_over_is_told_with_its_command() -> None:
    _, container = tool(test=(124, "half"))
    ran = await run(container, ["test", "two words"], seconds=7)
    assert ran.exit_code == 124
    assert ran.output == "half\ntest 'two words' did not end within 7 seconds\n"


async def test_a_tool_that_was_killed_is_told_so() -> None:
    _, container = tool(test=exec_error(137, stderr="out of memory"))
    ran = await run(container, ["test", "two words"], seconds=9)
    assert ran.exit_code == 137
    assert "out of memory" in ran.output
    assert (
        "test 'two words': it was killed: its 9 seconds were over, or memory ran out" in ran.output
    )


async def test_an_error_of_the_engine_is_none() -> None:
    _, container = tool(test=query_error("no such image"))
    with pytest.raises(dagger.QueryError, match="no such image"):
        await run(container, ["test"])


async def test_every_command_of_a_stage_runs_and_answers_in_its_place() -> None:
    _, container = tool(black=(1, "would reformat"), isort=(0, ""), flake8=(2, " \n"))
    answers = await run_all(container, [("black", "."), ("isort", "."), ("flake8", "--select=E9")])
    assert [answer.exit_code for answer in answers] == [1, 0, 2]
    assert answers[0].output == "would reformat"
    assert answers[2].output == "flake8 --select=E9: exit code 2, and not a word\n"
    assert all(isinstance(answer, Ran) for answer in answers)


def test_an_error_is_told_without_the_ids_of_traces() -> None:
    told = explain(query_error("no such image [traceparent:0123abcd-4567-89]"))
    assert told == "no such image"


def test_an_error_of_a_command_is_told_with_the_command_and_what_it_wrote() -> None:
    told = explain(exec_error(2, command=["apt-get", "in stall"], stdout="out\n", stderr="err\n"))
    assert told.splitlines() == ["apt-get 'in stall': exit code: 2", "out", "err"]


def test_no_two_runs_are_the_same() -> None:
    assert nonce() != nonce()
