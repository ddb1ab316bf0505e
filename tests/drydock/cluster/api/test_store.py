"""The store keeps objects across restarts and its recent past exactly."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drydock.cluster.store import Key, StaleVersionError, Store

POD = Key("pods", "a", "one")


def _obj(value: int = 0) -> dict[str, object]:
    return {"metadata": {"name": "one"}, "value": value}


def test_objects_and_version_survive_a_restart(tmp_path: Path) -> None:
    """What was stored is there again, under the version it had."""
    store = Store(tmp_path / "store.db")
    made = store.create(POD, _obj())
    version = store.version
    store.close()
    again = Store(tmp_path / "store.db")
    assert again.get(POD) == made
    assert again.version == version
    again.close()


def test_every_change_raises_the_version_by_one() -> None:
    """Create, replace and remove take consecutive versions, the last one included."""
    store = Store()
    first = store.create(POD, _obj())
    second = store.replace(POD, _obj(1))
    last = store.remove(POD)
    versions = [int(one["metadata"]["resourceVersion"]) for one in (first, second, last)]
    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]


def test_a_taken_key_is_not_created_twice() -> None:
    """The second creation fails and changes nothing."""
    store = Store()
    store.create(POD, _obj())
    with pytest.raises(KeyError):
        store.create(POD, _obj(1))
    found = store.get(POD)
    assert found is not None
    assert found["value"] == 0


def test_history_is_bounded_and_says_so() -> None:
    """A version that fell out of the history is refused, not answered wrongly."""
    store = Store(history=3)
    start = store.version
    store.create(POD, _obj())
    for number in range(5):
        store.replace(POD, _obj(number))
    with pytest.raises(StaleVersionError):
        store.since(start)
    assert len(store.since(store.version - 3)) == 3


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=30))
def test_any_past_version_can_be_listed_exactly(steps: list[tuple[str, int]]) -> None:
    """Undoing the history gives what a list gave at that time."""
    store = Store()
    seen = {store.version: {}}
    now: dict[str, int] = {}
    for name, value in steps:
        key = Key("pods", "n", name)
        if value == 0 and name in now:
            store.remove(key)
            del now[name]
        elif name in now:
            store.replace(key, _obj(value))
            now[name] = value
        else:
            store.create(key, _obj(value))
            now[name] = value
        seen[store.version] = dict(now)
    for version, expected in seen.items():
        found = {key.name: obj["value"] for key, obj in store.at("pods", "", version)}
        assert found == expected


async def test_changed_waits_for_the_next_change() -> None:
    """A reader sleeps until somebody writes."""
    store = Store()
    waiter = asyncio.create_task(store.changed(store.version))
    await asyncio.sleep(0)
    assert not waiter.done()
    store.create(POD, _obj())
    async with asyncio.timeout(5):
        await waiter


def test_recent_changes_are_found_without_walking_the_history():
    """A watch that is nearly current touches what is new and one change more, however long it was."""
    store = Store()

    class Counted(deque):
        touched = 0

        def __iter__(self):
            raise AssertionError("walked from the oldest change")

        def __reversed__(self):
            for change in super().__reversed__():
                Counted.touched += 1
                yield change

    store._history = Counted()
    for number in range(50):
        store.create(Key("configmaps", "a", f"c{number}"), {"metadata": {"name": f"c{number}"}})
    found = store.since(store.version - 2)
    assert [change.key.name for change in found] == ["c48", "c49"]
    assert Counted.touched == 3
    store.close()
