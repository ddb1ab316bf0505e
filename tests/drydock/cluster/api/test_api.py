"""The API as its in-process users meet it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from drydock.cluster.api import Api
from drydock.cluster.client import APPLY_PATCH, ApiError, InProcessClient
from drydock.cluster.message import Request, User
from drydock.cluster.protobuf import decode_protobuf
from drydock.cluster.store import Store

CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "namespace": "default"},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "app", "image": "img:1"}]},
        },
    },
}


@pytest.fixture
def api() -> Iterator[Api]:
    store = Store()
    yield Api(store)
    store.close()


@pytest.fixture
def client(api: Api) -> InProcessClient:
    return api.client("test")


async def test_a_stale_update_is_a_conflict(client: InProcessClient) -> None:
    """The second of two writers loses."""
    made = await client.create({**CONFIG, "data": {"a": "1"}})
    await client.update({**made, "data": {"a": "2"}})
    with pytest.raises(ApiError) as refused:
        await client.update({**made, "data": {"a": "3"}})
    assert (refused.value.code, refused.value.reason) == (409, "Conflict")


async def test_a_write_without_effect_keeps_the_version(client: InProcessClient) -> None:
    """Nothing is stored when nothing changes."""
    made = await client.create({**CONFIG, "data": {"a": "1"}})
    again = await client.update(made)
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_status_is_written_through_its_subresource_only(client: InProcessClient) -> None:
    """The main path ignores the status, the status path the spec; only the spec counts."""
    made = await client.create(DEPLOYMENT)
    made["status"] = {"replicas": 5}
    assert (await client.update(made))["status"] == {}
    made = await client.get("apps/v1/Deployment", "default", "web")
    made["status"], made["spec"]["replicas"] = {"replicas": 5}, 7
    made = await client.update(made, subresource="status")
    assert made["status"]["replicas"] == 5
    assert made["spec"]["replicas"] == 1
    assert made["metadata"]["generation"] == 1
    made["spec"]["replicas"] = 2
    assert (await client.update(made))["metadata"]["generation"] == 2


async def test_apply_refuses_what_another_manager_applied(api: Api) -> None:
    """A conflict names owner and field; force takes the field over."""
    one, two = api.client("one"), api.client("two")
    body = {**CONFIG, "data": {"a": "1"}}
    await one.patch("v1/ConfigMap", "default", "c", body, type=APPLY_PATCH)
    other = {**CONFIG, "data": {"a": "2"}}
    with pytest.raises(ApiError, match=r'conflict with "one": \.data\.a'):
        await two.patch("v1/ConfigMap", "default", "c", other, type=APPLY_PATCH)
    shared = await two.patch("v1/ConfigMap", "default", "c", body, type=APPLY_PATCH)
    managers = {entry["manager"] for entry in shared["metadata"]["managedFields"]}
    assert managers == {"one", "two"}


async def test_apply_removes_what_its_only_owner_leaves_out(client: InProcessClient) -> None:
    """A field goes with its last owner."""
    full = {**CONFIG, "data": {"a": "1", "b": "2"}}
    await client.patch("v1/ConfigMap", "default", "c", full, type=APPLY_PATCH)
    less = {**CONFIG, "data": {"a": "1"}}
    made = await client.patch("v1/ConfigMap", "default", "c", less, type=APPLY_PATCH)
    assert made["data"] == {"a": "1"}


async def test_a_watch_tells_every_change_once(client: InProcessClient) -> None:
    """From a list on, nothing is missed and nothing is told twice."""
    _, version = await client.list("v1/ConfigMap", "default")
    seen: list[tuple[str, str]] = []

    async def follow() -> None:
        async for kind, obj in client.watch("v1/ConfigMap", version):
            seen.append((kind, obj["metadata"]["name"]))
            if kind == "DELETED":
                return

    watcher = asyncio.create_task(follow())
    await client.create(CONFIG)
    await client.patch("v1/ConfigMap", "default", "c", {"data": {"x": "y"}})
    await client.delete("v1/ConfigMap", "default", "c")
    async with asyncio.timeout(5):
        await watcher
    assert seen == [("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "c")]


async def test_a_watch_from_a_forgotten_version_says_gone(api: Api) -> None:
    """410 tells the reader to list again."""
    with pytest.raises(ApiError) as gone:
        async for _ in api.client("test").watch("v1/ConfigMap", "1"):
            pass
    assert gone.value.code == 410


async def test_finalizers_hold_a_deleted_object(client: InProcessClient) -> None:
    """It goes with its last finalizer."""
    held = {**CONFIG, "metadata": {**CONFIG["metadata"], "finalizers": ["a.example/x"]}}
    await client.create(held)
    await client.delete("v1/ConfigMap", "default", "c")
    left = await client.get("v1/ConfigMap", "default", "c")
    assert "deletionTimestamp" in left["metadata"]
    await client.patch("v1/ConfigMap", "default", "c", {"metadata": {"finalizers": None}})
    with pytest.raises(ApiError) as gone:
        await client.get("v1/ConfigMap", "default", "c")
    assert gone.value.code == 404


async def test_service_addresses_are_unique_and_kept(client: InProcessClient) -> None:
    """Two Services get two addresses, which updates do not change."""
    made = []
    for name in ("a", "b"):
        meta = {"name": name, "namespace": "default"}
        spec = {"ports": [{"port": 80}]}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
        made.append(await client.create(body))
    first, second = (one["spec"]["clusterIP"] for one in made)
    assert first != second
    patch = {"spec": {"ports": [{"port": 81}]}}
    assert (await client.patch("v1/Service", "default", "a", patch))["spec"]["clusterIP"] == first


async def test_a_user_without_a_role_may_nothing(api: Api) -> None:
    """RBAC refuses before existence is told."""
    path = "/api/v1/namespaces/default/secrets/none"
    answer = await api.handle(Request("GET", path, User("jane", ("system:authenticated",))))
    assert answer.code == 403
    assert isinstance(answer.body, dict)
    assert 'User "jane" cannot get resource "secrets"' in answer.body["message"]


def test_protobuf_bodies_become_the_same_object() -> None:
    """The envelope, a message, a nested message and a map."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    meta = field(1, b"c") + field(11, field(1, b"k") + field(2, b"v"))
    config = field(1, meta) + field(2, field(1, b"a") + field(2, b"1")) + bytes([4 << 3, 1])
    head = field(1, b"v1") + field(2, b"ConfigMap")
    found = decode_protobuf(b"k8s\x00" + field(1, head) + field(2, config))
    assert found == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "c", "labels": {"k": "v"}},
        "data": {"a": "1"},
        "immutable": True,
    }
