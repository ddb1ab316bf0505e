"""Token Secrets and aggregated roles."""

from __future__ import annotations

import base64

from drydock.cluster.access.reviews import is_alive

ROLE = "rbac.authorization.k8s.io/v1/ClusterRole"


async def test_a_token_secret_is_filled_in_and_goes_with_its_account(room, api):
    """Token, authority and namespace; the token dies with the Secret."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bot"}}
    await room.create(account)
    notes = {"kubernetes.io/service-account.name": "bot"}
    await room.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "bot-token", "annotations": notes},
        }
    )

    async def filled() -> bool:
        return "token" in (await room.get("v1/Secret", "bot-token"))["data"]

    await room.until(filled)
    secret = await room.get("v1/Secret", "bot-token")
    data = {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}
    assert (data["ca.crt"], data["namespace"]) == ("the root", "room")
    claims = api.core.tokens.check(data["token"])
    assert claims["sub"] == "system:serviceaccount:room:bot"
    assert is_alive(api.core, claims)
    await room.delete("v1/ServiceAccount", "bot")

    async def gone() -> bool:
        return not await room.all("v1/Secret")

    await room.until(gone)
    assert not is_alive(api.core, claims)


async def test_a_labelled_role_becomes_a_part_of_view(room):
    """And leaves it with its label."""
    rule = {"apiGroups": ["shop.example"], "resources": ["orders"], "verbs": ["get"]}
    labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    await room.client.create(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "orders", "labels": labels},
            "rules": [rule],
        }
    )

    async def has(name: str) -> bool:
        return rule in (await room.client.get(ROLE, None, name))["rules"]

    for name in ("view", "edit", "admin"):
        await room.until(lambda name=name: has(name))
    await room.client.patch(ROLE, None, "orders", {"metadata": {"labels": None}})

    async def left() -> bool:
        return not await has("admin")

    await room.until(left)
