"""What decides the answer of a stage, as one key: equal keys, equal answers.

A stage names its inputs when it is put on the board. A stage without inputs has an effect or asks the
world outside; it has no key and is never known beforehand.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import anyio
import dagger
from dagger import dag

from pipelines.flows.graph import Task

Input = dagger.Directory | Task[Any] | str
"""Files by their content, another stage by its key, or words."""


async def keys_of(inputs: Mapping[Task[Any], tuple[Input, ...]]) -> dict[Task[Any], str]:
    """Compute the keys of tasks, given in an order they could run in; only files are digested."""
    digests: dict[int, str] = {}
    directories = {
        id(each): each
        for named in inputs.values()
        for each in named
        if isinstance(each, dagger.Directory)
    }

    async def digest(place: int, directory: dagger.Directory) -> None:
        digests[place] = await directory.digest()

    async with anyio.create_task_group() as group:
        for place, directory in directories.items():
            group.start_soon(digest, place, directory)
    program = await dag.current_module().source().directory("pipelines").digest()
    keys: dict[Task[Any], str] = {}
    for task, named in inputs.items():
        words = [_word(each, keys, digests) for each in named]
        keys[task] = hashlib.sha256("\0".join([program, task.name, *words]).encode()).hexdigest()
    return keys


def _word(given: Input, keys: Mapping[Task[Any], str], digests: Mapping[int, str]) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, Task):
        return keys[given]
    return digests[id(given)]
