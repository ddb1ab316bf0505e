"""What decides the answer of a stage, as one key: equal keys, equal answers.

A stage names its inputs when it is put on the board. A stage without inputs has an effect or asks the
world outside; it has no key and is never known beforehand, and neither is what reads its answer.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import anyio
from dagger import dag

from pipelines.flows.graph import Task


class Files(Protocol):
    """Files by their content: a `dagger.Directory`."""

    async def digest(self) -> str:
        """Give what equal contents, and only they, have in common."""


Input = Files | Task[Any] | str
"""Files by their content, another stage by its key, or words."""


def own_files() -> Files:
    """Give the program of the pipelines: another program may answer otherwise."""
    return dag.current_module().source().directory("pipelines")


async def keys_of(
    inputs: Mapping[Task[Any], tuple[Input, ...]], program: Files
) -> dict[Task[Any], str]:
    """Compute the keys of tasks, given in an order they could run in; only files are digested."""
    digests = await _digests([program, *(each for named in inputs.values() for each in named)])
    keys: dict[Task[Any], str] = {}
    for task, named in inputs.items():
        if all(each in keys for each in named if isinstance(each, Task)):
            words = [_word(each, keys, digests) for each in (program, task.name, *named)]
            keys[task] = hashlib.sha256("\0".join(words).encode()).hexdigest()
    return keys


async def _digests(inputs: list[Input]) -> dict[int, str]:
    """Digest the files among the inputs, all at once, by the identity of the object."""
    digests: dict[int, str] = {}

    async def digest(place: int, files: Files) -> None:
        digests[place] = await files.digest()

    async with anyio.create_task_group() as group:
        for place, each in {id(each): each for each in inputs}.items():
            if not isinstance(each, str | Task):
                group.start_soon(digest, place, each)
    return digests


def _word(given: Input, keys: Mapping[Task[Any], str], digests: Mapping[int, str]) -> str:
    if isinstance(given, str):
        return given
    return keys[given] if isinstance(given, Task) else digests[id(given)]
