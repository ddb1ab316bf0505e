"""A task graph: what may run at once runs at once, what needs something waits for just that.

The flows build one graph per run and read the outcomes afterwards. The invariants:

- a task starts once, after everything it needs is done, and never after something it needs has not;
- every task has exactly one outcome in the end, also when the run was stopped early;
- an error of one task never surfaces as an exception group: it stands, unwrapped, in its outcome;
- cancelling the run cancels every running task and is passed on, never swallowed.
"""

import math
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")


class OnFailure(Enum):
    """What the rest of the graph does when a task fails."""

    FINISH = "everything that does not depend on it goes on"
    STOP = "running tasks are cancelled, waiting ones never start"


class State(Enum):
    """Where a task is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


_ENDED = {State.DONE, State.FAILED, State.SKIPPED}


class GraphError(RuntimeError):
    """The graph was built or read wrongly; a defect of the flow, not of what it runs."""


@dataclass(eq=False)
class Task(Generic[T]):
    """One node: a name for people, a function, and the tasks whose results it needs."""

    name: str
    run: Callable[[], Awaitable[T]]
    needs: tuple["Task[Any]", ...]
    fatal: bool = False
    state: State = State.WAITING
    error: Exception | None = None
    because: "Task[Any] | None" = None
    seconds: float = 0.0
    _value: T | None = None

    @property
    def result(self) -> T:
        """What the task returned; only tasks that need it, and readers of the end, may ask."""
        if self.state is not State.DONE:
            raise GraphError(f"{self.name} has no result, it is {self.state.value}")
        return self._value  # type: ignore[return-value]  # a done task holds a T, which may be None

    @property
    def outcome(self) -> T | None:
        """What the task returned, None when it did not come to that; for readers of the end."""
        return self._value if self.state is State.DONE else None

    async def perform(self) -> None:
        """Run once and keep the outcome. Only cancellation and defects of the process pass."""
        self.state = State.RUNNING
        started = time.monotonic()
        try:
            self._value = await self.run()
        except Exception as error:  # noqa: BLE001 - the outcome keeps it, the flow reports it
            self.state, self.error = State.FAILED, first_cause(error)
        except BaseException:
            self.state = State.CANCELLED
            raise
        else:
            self.state = State.DONE
        finally:
            self.seconds = time.monotonic() - started


class Graph:
    """Tasks in the order they were added, which is also an order they could run in."""

    def __init__(self) -> None:
        self._tasks: list[Task[Any]] = []

    def __iter__(self) -> Iterator[Task[Any]]:
        return iter(self._tasks)

    def task(
        self,
        name: str,
        run: Callable[[], Awaitable[T]],
        *,
        needs: Iterable[Task[Any]] = (),
        fatal: bool = False,
    ) -> Task[T]:
        """Add a task. What it needs was added before, so that no cycle can be written down.

        When a `fatal` task fails, nothing else is worth the wait: the whole run stops.
        """
        task = Task(name, run, tuple(needs), fatal)
        if any(known.name == name for known in self._tasks):
            raise GraphError(f"two tasks are called {name!r}")
        for needed in task.needs:
            if needed not in self._tasks:
                raise GraphError(f"{name!r} needs {needed.name!r}, which is of another graph")
        self._tasks.append(task)
        return task

    async def run(
        self, on_failure: OnFailure = OnFailure.FINISH, *, at_once: float = math.inf
    ) -> None:
        """Run every task; afterwards each one tells its own outcome.

        At most `at_once` run at the same time; of those that could, the ones added first go first.
        """
        waiting = list(self._tasks)
        running = 0

        def start_ready() -> None:
            nonlocal running
            for task in tuple(waiting):
                if not all(need.state in _ENDED for need in task.needs):
                    continue
                blocker = next((need for need in task.needs if need.state is not State.DONE), None)
                if blocker is not None:
                    task.state, task.because = State.SKIPPED, blocker.because or blocker
                elif running < at_once:
                    running += 1
                    group.start_soon(follow, task, name=task.name)
                else:
                    continue
                waiting.remove(task)

        async def follow(task: Task[Any]) -> None:
            nonlocal running
            await task.perform()
            running -= 1
            stops = task.fatal or on_failure is OnFailure.STOP
            if task.state is State.FAILED and stops:
                group.cancel_scope.cancel()
            else:
                start_ready()

        async with anyio.create_task_group() as group:
            start_ready()
        for task in self._tasks:
            if task.state is State.WAITING:
                task.state = State.CANCELLED

    def failed(self) -> list[Task[Any]]:
        """List the tasks that failed themselves."""
        return [task for task in self._tasks if task.state is State.FAILED]


def first_cause(error: Exception) -> Exception:
    """Take the first real error out of nested exception groups."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
