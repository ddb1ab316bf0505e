"""Files from web servers stay inside of the tree they are fetched into, whatever they are called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from drydock.engine.session import Session

pytestmark = pytest.mark.root


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="from the web")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "name"), [("/a/b.txt", "b.txt"), ("/a/%2e%2e%2f%2e%2e%2fx", "x"), ("/a/..", "index")]
)
async def test_a_file_is_named_by_the_last_part_of_its_path(
    session: Session, address: str, path: str, name: str
) -> None:
    _, answer = await session.client.query(
        f'{{ http(url: "{address}{path}") {{ name contents }} }}'
    )
    assert answer["data"] == {"http": {"name": name, "contents": "from the web"}}


async def test_a_name_that_is_a_path_is_refused(
    session: Session, address: str, tmp_path: Path
) -> None:
    target = tmp_path / "written"
    query = f'{{ http(url: "{address}/x", name: "{target}") {{ contents }} }}'
    _, answer = await session.client.query(query)
    assert "must not contain a directory" in answer["errors"][0]["message"]
    assert not target.exists()
