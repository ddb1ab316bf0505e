"""Requests through the reverse proxy: what arrives at the pods, and what becomes of broken ones."""

from __future__ import annotations

import asyncio
import io
import json
import re

import aiohttp
import pytest

from tests.drydock.cluster.ingress.conftest import World, free_port
from tests.drydock.cluster.ingress.objects import ingress, rule, sample

pytestmark = pytest.mark.usefixtures("pods")


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a request and end without an answer, as a pod that is killed does."""
    await reader.readline()
    writer.close()


@pytest.fixture
async def shaky(world: World, pods: dict[str, int]) -> World:
    """Serve by three endpoints: one that answers, one that hangs up, one that is closed."""
    rude = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    await world.service("shaky", pods["web"], rude.sockets[0].getsockname()[1], free_port())
    await world.client.create(ingress("all", default="shaky"))
    await world.until("/", "web")
    yield world
    rude.close()
    await rude.wait_closed()


async def test_requests_that_may_be_repeated_never_fail(shaky: World):
    """Every GET is answered by the endpoint that can."""
    for number in range(12):
        status, told = await shaky.get(f"/x?n={number}%20a")
        assert status == 200
        assert told["path"] == f"/x?n={number}%20a"


async def test_a_request_that_must_not_be_repeated_is_sent_once(shaky: World):
    """A POST is answered, or fails as 502; it passes over what refuses the connection."""
    seen = set()
    for _ in range(12):
        async with shaky.session.post(f"{shaky.base}/form", data=b"x" * 300_000) as answer:
            seen.add(answer.status)
            if answer.status == 200:
                assert (await answer.json())["size"] == 300_000
    assert seen == {200, 502}


async def test_web_sockets_pass_also_when_the_path_is_rewritten(world: World):
    """Messages go both ways."""
    await world.client.create(sample("one"))
    await world.until("/one/", "one")
    async with world.session.ws_connect(f"{world.base}/one/socket") as socket:
        for word in ("hello", "again"):
            await socket.send_str(word)
            assert await socket.receive_str() == f"heard {word} at /socket"


async def test_several_ingresses_share_one_host(world: World):
    """Two of them take their prefixes off, a third gets all the rest."""
    for obj in (ingress("web", rule("", ("/", "Prefix", "web"))), sample("one"), sample("two")):
        await world.client.create(obj)
    for path, service in (("/", "web"), ("/one/", "one"), ("/two/", "two")):
        await world.until(path, service)
    for path, service, sent in (
        ("/two/items?state=open", "two", "/items?state=open"),
        ("/one", "one", "/"),
        ("/one/items/a%20b", "one", "/items/a%20b"),
        ("/ones", "web", "/ones"),
    ):
        _, told = await world.get(path)
        assert (told["service"], told["path"]) == (service, sent)


async def test_the_pod_learns_who_asked_from_the_ingress_alone(world: World):
    """What the client says about itself is replaced, as ingress-nginx does; its claim is kept aside."""
    await world.client.create(sample("one"))
    await world.until("/one/", "one")
    claims = {
        "Host": "shop.local",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/elsewhere",
        "X-Real-IP": "203.0.113.9",
        "Proxy": "http://203.0.113.9",
    }
    _, told = await world.get("/one/x", headers=claims)
    assert re.fullmatch("[0-9a-f]{32}", told.pop("X-Request-ID"))
    assert {name: told[name] for name in told if name.startswith("X-")} == {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "shop.local",
        "X-Forwarded-Port": str(world.port),
        "X-Forwarded-Prefix": "/one",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Scheme": "http",
        "X-Original-Forwarded-For": "203.0.113.9",
        "X-Real-IP": "127.0.0.1",
        "X-Scheme": "http",
    }


async def test_a_request_keeps_the_id_it_came_with(world: World):
    """Every request has one, and no two the same."""
    await world.client.create(ingress("web", rule("", ("/", "Prefix", "web"))))
    await world.until("/", "web")
    _, told = await world.get("/", headers={"X-Request-ID": "of-the-caller"})
    assert told["X-Request-ID"] == "of-the-caller"
    assert (await world.get("/"))[1]["X-Request-ID"] != (await world.get("/"))[1]["X-Request-ID"]


async def test_a_header_that_is_no_utf_8_keeps_its_foreign_character(world: World):
    """Bytes that nobody can name are not dropped, so that what is odd stays odd."""
    await world.client.create(ingress("web", rule("", ("/", "Prefix", "web"))))
    await world.until("/", "web")
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: caf\xe9\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert told["X-Request-ID"] == "caf\u00e9"


async def test_a_pod_that_is_too_slow_is_told_as_504(world: World):
    """The annotation says how long it may take."""
    path = rule("", ("/", "Prefix", "web"))
    await world.client.create(ingress("web", path, proxy_read_timeout="1"))
    await world.until("/", "web")
    assert (await world.get("/slow"))[0] == 504


async def test_an_answer_that_breaks_in_the_middle_breaks_at_the_client(world: World):
    """No error page is mixed into it."""
    await world.client.create(ingress("web", rule("", ("/", "Prefix", "web"))))
    await world.until("/", "web")
    async with world.session.get(f"{world.base}/broken") as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def pieces(count: int):
    for _ in range(count):
        yield b"x" * 100_000


async def test_a_body_that_is_too_large_is_refused(world: World):
    """1 MiB unless the annotation says otherwise; also when its size is not told beforehand."""
    await world.client.create(ingress("web", rule("", ("/", "Prefix", "web"))))
    path = rule("large", ("/", "Prefix", "web"))
    await world.client.create(ingress("large", path, proxy_body_size="3m"))
    await world.until("/", "web")
    url, large = f"{world.base}/form", {"Host": "large"}
    for body, headers, status in (
        (io.BytesIO(b"x" * 1_000_000), {}, 200),
        (io.BytesIO(b"x" * 1_100_000), {}, 413),
        (pieces(10), {}, 200),
        (pieces(11), {}, 413),
        (pieces(20), large, 200),
        (io.BytesIO(b"x" * 3_200_000), large, 413),
    ):
        async with world.session.post(url, data=body, headers=headers) as answer:
            assert answer.status == status


async def test_a_path_that_climbs_out_is_refused(world: World):
    """Before any rule is looked at."""
    await world.client.create(sample("one"))
    await world.until("/one/", "one")
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(b"GET /one/../../x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.close()
