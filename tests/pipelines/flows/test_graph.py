"""The task graph: order, concurrency, failure and cancellation."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.flows.graph import Graph, GraphError, OnFailure, State, Task

SHAPES = st.lists(st.tuples(st.sets(st.integers(0, 11)), st.booleans()), min_size=1, max_size=12)


def build(
    shape: list[tuple[set[int], bool]], log: list[tuple[str, int]]
) -> tuple[Graph, list[Task[int]]]:
    """Make a graph whose nth task needs earlier ones and fails where told."""
    graph = Graph()
    tasks: list[Task[int]] = []

    def step(number: int, fails: bool) -> Callable[[], Awaitable[int]]:
        async def run() -> int:
            log.append(("start", number))
            await anyio.lowlevel.checkpoint()
            log.append(("end", number))
            if fails:
                raise ValueError(number)
            return number

        return run

    for number, (needs, fails) in enumerate(shape):
        wanted = [tasks[each] for each in sorted(needs) if each < number]
        tasks.append(graph.task(f"t{number}", step(number, fails), needs=wanted))
    return graph, tasks


@given(SHAPES)
@settings(max_examples=200, deadline=None)
def test_a_task_runs_once_and_only_after_what_it_needs(
    shape: list[tuple[set[int], bool]],
) -> None:
    log: list[tuple[str, int]] = []
    graph, tasks = build(shape, log)
    anyio.run(graph.run)
    for number, task in enumerate(tasks):
        assert log.count(("start", number)) == (task.state in (State.DONE, State.FAILED))
        for needed in task.needs:
            if task.state is not State.SKIPPED:
                assert log.index(("end", tasks.index(needed))) < log.index(("start", number))


@given(SHAPES)
@settings(max_examples=200, deadline=None)
def test_a_failure_skips_exactly_what_depends_on_it(
    shape: list[tuple[set[int], bool]],
) -> None:
    graph, tasks = build(shape, [])
    anyio.run(graph.run)
    for task, (_, fails) in zip(tasks, shape, strict=True):
        blocked = any(needed.state in (State.FAILED, State.SKIPPED) for needed in task.needs)
        expected = State.SKIPPED if blocked else State.FAILED if fails else State.DONE
        assert task.state is expected
        if task.state is State.SKIPPED:
            assert task.because is not None
            assert task.because.state is State.FAILED


@given(SHAPES)
@settings(max_examples=100, deadline=None)
def test_stopping_early_still_gives_every_task_an_outcome(
    shape: list[tuple[set[int], bool]],
) -> None:
    graph, tasks = build(shape, [])
    anyio.run(graph.run, OnFailure.STOP)
    assert not any(task.state in (State.WAITING, State.RUNNING) for task in tasks)
    if all(task.state is not State.FAILED for task in tasks):
        assert all(task.state is State.DONE for task in tasks)


async def test_independent_tasks_run_at_the_same_time() -> None:
    graph = Graph()
    met = anyio.Event()

    async def wait() -> str:
        await met.wait()
        return "met"

    async def meet() -> None:
        met.set()

    waiter = graph.task("wait", wait)
    graph.task("meet", meet)
    with anyio.fail_after(5):
        await graph.run()
    assert waiter.result == "met"


async def test_a_later_task_reads_the_results_of_earlier_ones() -> None:
    graph = Graph()

    async def two() -> int:
        return 2

    first = graph.task("two", two)

    async def double() -> int:
        return first.result * 2

    second = graph.task("double", double, needs=[first])
    await graph.run()
    assert second.result == 4


async def test_stop_cancels_what_is_running() -> None:
    graph = Graph()
    begun = anyio.Event()

    async def forever() -> None:
        begun.set()
        await anyio.sleep_forever()

    async def fail() -> None:
        await begun.wait()
        raise OSError("disk")

    running = graph.task("forever", forever)
    failing = graph.task("fail", fail)
    with anyio.fail_after(5):
        await graph.run(OnFailure.STOP)
    assert running.state is State.CANCELLED
    assert graph.failed() == [failing]


async def test_a_fatal_failure_stops_everything_in_any_case() -> None:
    graph = Graph()

    async def fail() -> None:
        raise OSError("unreachable")

    running = graph.task("forever", anyio.sleep_forever)
    graph.task("reach", fail, fatal=True)
    with anyio.fail_after(5):
        await graph.run(OnFailure.FINISH)
    assert running.state is State.CANCELLED


async def test_cancelling_the_run_is_passed_on() -> None:
    graph = Graph()
    task = graph.task("forever", anyio.sleep_forever)
    later = graph.task("later", anyio.sleep_forever, needs=[task])
    with anyio.move_on_after(0.05) as scope:
        await graph.run()
    assert scope.cancelled_caught
    assert task.state is State.CANCELLED
    assert later.state is State.WAITING


async def test_an_exception_group_is_unwrapped() -> None:
    graph = Graph()

    async def nested() -> None:
        async def bad() -> None:
            raise KeyError("inner")

        async with anyio.create_task_group() as group:
            group.start_soon(bad)

    task = graph.task("nested", nested)
    await graph.run()
    assert isinstance(task.error, KeyError)


async def test_a_result_that_is_not_there_is_a_defect() -> None:
    graph = Graph()

    async def nothing() -> None:
        """Return nothing."""

    task = graph.task("nothing", nothing)
    with pytest.raises(GraphError, match="nothing has no result, it is waiting"):
        assert task.result
    with pytest.raises(GraphError, match="two tasks are called 'nothing'"):
        graph.task("nothing", nothing)
    with pytest.raises(GraphError, match="another graph"):
        Graph().task("other", nothing, needs=[task])
