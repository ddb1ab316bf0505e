"""What goes with its owner, and what stays."""

from __future__ import annotations

from drydock.cluster.client import ApiError
from drydock.cluster.message import Request, User

ADMIN = User("system:admin", ("system:masters",))
DEPLOYMENT, SETS, PODS, MAPS = "apps/v1/Deployment", "apps/v1/ReplicaSet", "v1/Pod", "v1/ConfigMap"


async def delete(api, kind: str, name: str, policy: str) -> None:
    path = api.path(kind, "room", name)
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
    await api.handle(Request("DELETE", path, ADMIN, body=options))


def config(name: str, *owners: dict) -> dict:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": o["metadata"]["name"],
            "uid": o["metadata"]["uid"],
        }
        for o in owners
    ]
    meta = {"name": name, "ownerReferences": references}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}


async def test_dependents_go_with_their_owner(room, deployment):
    """Deleting a Deployment takes ReplicaSets and pods along."""
    await room.create(deployment())
    await room.rolled_out("web")
    await room.delete(DEPLOYMENT, "web")

    async def empty() -> bool:
        return not await room.all(SETS) and not await room.all(PODS)

    await room.until(empty)


async def test_foreground_keeps_the_owner_until_its_dependents_are_gone(room, api, deployment):
    """The Deployment disappears last."""
    await room.create(deployment())
    await room.rolled_out("web")
    await delete(api, DEPLOYMENT, "web", "Foreground")

    async def gone() -> bool:
        try:
            await room.get(DEPLOYMENT, "web")
        except ApiError:
            return not await room.all(SETS) and not await room.all(PODS)
        return False

    await room.until(gone)


async def test_orphans_stay_without_an_owner(room, api, deployment):
    """The ReplicaSet loses its reference and keeps its pods."""
    await room.create(deployment(replicas=1))
    await room.rolled_out("web")
    await delete(api, DEPLOYMENT, "web", "Orphan")

    async def orphaned() -> bool:
        (one,) = await room.all(SETS)
        return not one["metadata"].get("ownerReferences")

    await room.until(orphaned)
    assert len(await room.all(PODS)) == 1


async def test_an_object_goes_with_its_last_owner(room):
    """Of two owners one is not enough."""
    one, two = await room.create(config("one")), await room.create(config("two"))
    await room.create(config("both", one, two))
    await room.delete(MAPS, "one")

    async def one_reference() -> bool:
        found = await room.get(MAPS, "both")
        return [r["name"] for r in found["metadata"]["ownerReferences"]] == ["two"]

    await room.until(one_reference)
    await room.delete(MAPS, "two")

    async def gone() -> bool:
        names = {one["metadata"]["name"] for one in await room.all(MAPS)}
        return "both" not in names

    await room.until(gone)


async def test_an_object_whose_owner_never_was_is_deleted(room):
    """A reference to a uid that does not exist dangles from the beginning."""
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-0000-0000-0000-000000000000"}}
    await room.create(config("left", ghost))

    async def gone() -> bool:
        return "left" not in {one["metadata"]["name"] for one in await room.all(MAPS)}

    await room.until(gone)


async def test_a_namespace_ends_with_everything_in_it(room, deployment):
    """Pods, configuration and the namespace itself are gone, in that order."""
    await room.create(deployment())
    await room.create(config("some"))
    await room.rolled_out("web")
    await room.client.delete("v1/Namespace", None, "room")

    async def gone() -> bool:
        try:
            await room.client.get("v1/Namespace", None, "room")
        except ApiError as error:
            return error.code == 404
        return False

    await room.until(gone)
    assert not await room.all(PODS)
    assert not await room.all(MAPS)


async def test_every_namespace_has_its_account_and_the_root_certificate(room):
    """Both are made, and made again when somebody deletes them."""
    assert (await room.get(MAPS, "kube-root-ca.crt"))["data"] == {"ca.crt": "the root"}
    await room.delete("v1/ServiceAccount", "default")

    async def back() -> bool:
        return bool(await room.get("v1/ServiceAccount", "default"))

    await room.until(back)
