"""Informers outlive whatever breaks."""

from __future__ import annotations

import logging

from drydock.cluster.controllers import informer
from drydock.cluster.controllers.informer import Cache
from tests.drydock.cluster.controllers.conftest import Room

MAPS = "v1/ConfigMap"


def config(name: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
    }


class Breaking:
    """A client whose watch ends with an error that nobody expects, once."""

    def __init__(self, client) -> None:
        self._client = client
        self.broken = 0

    async def list(self, kind):
        return await self._client.list(kind)

    async def watch(self, kind, version):
        if not self.broken:
            self.broken += 1
            raise KeyError("metadata")
        async for change in self._client.watch(kind, version):
            yield change


async def test_an_unexpected_error_is_logged_and_the_copy_stays_current(api, monkeypatch, caplog):
    """After a broken watch the kind is listed again; nothing is missed."""
    monkeypatch.setattr(informer, "RETRY_SECONDS", 0.01)
    client = Breaking(api.client("test"))
    cache = Cache(client)
    maps = cache[MAPS]
    with caplog.at_level(logging.ERROR):
        await cache.start()
        await api.client("test").create(config("late"))
        await Room(api.client("test")).until(lambda: holds(maps, "late"))
    await cache.close()
    assert client.broken == 1
    assert "watch of v1/ConfigMap broke" in caplog.text


async def test_a_handler_that_fails_does_not_keep_the_others_from_hearing(api, caplog):
    """One broken controller neither stops the copy nor silences its neighbours."""
    cache = Cache(api.client("test"))
    maps, heard = cache[MAPS], []

    def broken(*_states: object) -> None:
        raise ValueError("no")

    def listener(_old, new) -> None:
        heard.append(new["metadata"]["name"])

    maps.on_change(broken)
    maps.on_change(listener)
    with caplog.at_level(logging.ERROR):
        await cache.start()
        await api.client("test").create(config("seen"))
        await Room(api.client("test")).until(lambda: holds(maps, "seen"))
    await cache.close()
    assert heard == ["seen"]
    assert "was not understood" in caplog.text


async def holds(maps, name: str) -> bool:
    return maps.get(("default", name)) is not None
