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


@given(SHAPES, st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_never_more_run_at_once_than_is_allowed(
    shape: list[tuple[set[int], bool]], at_once: int
) -> None:
    log: list[tuple[str, int]] = []
    graph, _ = build(shape, log)

    async def run() -> None:
        await graph.run(at_once=at_once)

    anyio.run(run)
    running = most = 0
    for event, _ in log:
        running += 1 if event == "start" else -1
        most = max(most, running)
    assert most <= at_once


async def test_the_allowed_number_is_used() -> None:
    graph = Graph()
    meeting = [anyio.Event() for _ in range(3)]

    async def meet(number: int) -> None:
        meeting[number].set()
        for each in meeting:
            await each.wait()

    for number in range(3):
        graph.task(str(number), lambda number=number: meet(number))  # type: ignore[misc]
    with anyio.fail_after(5):
        await graph.run(at_once=3)
    assert not graph.failed()


@given(SHAPES)
@settings(max_examples=200, deadline=None)
def test_of_those_that_could_run_the_one_added_first_does(
    shape: list[tuple[set[int], bool]],
) -> None:
    """One at a time, so that whatever is ready at a start has been waiting for it."""
    passed_over: list[tuple[str, str]] = []
    graph = Graph()
    tasks: list[Task[None]] = []

    def ready(task: Task[None]) -> bool:
        ended = (State.DONE, State.FAILED, State.SKIPPED)
        return task.state is State.WAITING and all(need.state in ended for need in task.needs)

    def step(number: int, fails: bool) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            earlier = tasks[:number]
            passed_over.extend((each.name, tasks[number].name) for each in earlier if ready(each))
            await anyio.lowlevel.checkpoint()
            if fails:
                raise ValueError(number)

        return run

    for number, (needs, fails) in enumerate(shape):
        wanted = [tasks[each] for each in sorted(needs) if each < number]
        tasks.append(graph.task(f"t{number}", step(number, fails), needs=wanted))

    async def run() -> None:
        await graph.run(at_once=1)

    anyio.run(run)
    assert passed_over == []


async def test_who_needs_more_does_not_lose_its_turn() -> None:
    graph = Graph()
    begun: list[str] = []

    def step(name: str, seconds: float = 0.0) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            begun.append(name)
            await anyio.sleep(seconds)

        return run

    first = graph.task("first", step("first"))
    slow = graph.task("slow", step("slow", 0.02))
    graph.task("both", step("both"), needs=[first, slow])
    graph.task("one", step("one"), needs=[slow])
    graph.task("free", step("free", 0.05))
    await graph.run(at_once=2)
    assert begun == ["first", "slow", "free", "both", "one"]


async def test_stopping_never_starts_what_waits_for_its_turn() -> None:
    graph = Graph()
    begun: list[str] = []

    async def fail() -> None:
        raise OSError("disk")

    async def begin() -> None:
        begun.append("begun")

    failing = graph.task("fail", fail)
    queued = graph.task("queued", begin)
    dependent = graph.task("dependent", begin, needs=[queued])
    with anyio.fail_after(5):
        await graph.run(OnFailure.STOP, at_once=1)
    assert begun == []
    assert (queued.state, dependent.state) == (State.CANCELLED, State.CANCELLED)
    assert graph.failed() == [failing]


async def test_an_outcome_is_none_unless_the_task_is_done() -> None:
    graph = Graph()

    async def two() -> int:
        return 2

    async def fail() -> int:
        raise OSError("disk")

    made, failed = graph.task("two", two), graph.task("fail", fail)
    skipped = graph.task("after", two, needs=[failed])
    before = made.outcome
    await graph.run()
    assert [before, made.outcome, failed.outcome, skipped.outcome] == [None, 2, None, None]
