"""The server on TLS: who is who, what survives a restart."""

from __future__ import annotations

import io
import ssl
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from drydock.cluster.api import Api
from drydock.cluster.certificates import Authority
from drydock.cluster.server import LIMIT, Server
from drydock.cluster.store import Store


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[str, Authority]]:
    authority = Authority(tmp_path / "pki")
    store = Store()
    running = Server(Api(store, tokens=authority.tokens), authority, port=0)
    await running.start()
    yield f"https://127.0.0.1:{running.port}", authority
    await running.close()
    store.close()


def _context(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.root)


async def test_the_admin_token_opens_and_nothing_else_does(
    server: tuple[str, Authority],
) -> None:
    """The token is the administrator, a wrong one is 401, none is anonymous."""
    address, authority = server
    url = f"{address}/api/v1/namespaces"
    connector = aiohttp.TCPConnector(ssl=_context(authority))
    async with aiohttp.ClientSession(connector=connector) as session:
        for token, code in ((authority.token, 200), ("nonsense", 401), ("", 403)):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with session.get(url, headers=headers) as answer:
                assert answer.status == code


async def test_a_body_above_the_limit_is_refused(server: tuple[str, Authority]) -> None:
    """413 names the limit."""
    address, authority = server
    connector = aiohttp.TCPConnector(ssl=_context(authority))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(
            f"{address}/api/v1/namespaces/default/configmaps",
            data=io.BytesIO(b"x" * (LIMIT + 10)),
            headers={"Authorization": f"Bearer {authority.token}"},
        ) as answer,
    ):
        assert answer.status == 413
        assert str(LIMIT) in (await answer.json())["message"]


def test_credentials_are_private_and_kept(tmp_path: Path) -> None:
    """A second start uses the same authority; no file is readable by others."""
    first = Authority(tmp_path / "pki")
    root, token = first.root, first.token
    second = Authority(tmp_path / "pki")
    assert (second.root, second.token) == (root, token)
    second.write_kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:6443")
    for path in [*(tmp_path / "pki").iterdir(), tmp_path / "kubeconfig"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    assert content["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
