"""Tokens that live in Secrets: those of type `kubernetes.io/service-account-token`.

Invariant: such a Secret holds a token of the account that it names, the cluster's certificate and its
namespace, for as long as the account exists; it goes with the account, and the token with it.
"""

from __future__ import annotations

import base64
from typing import ClassVar

from drydock.cluster.client import TOKEN_REQUEST, Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, annotations_of, is_deleting, key_of, uid_of
from drydock.cluster.errors import Obj

TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
SECONDS = 10 * 365 * 86400


class AccountTokenController(Controller):
    """Fills in token Secrets."""

    name: ClassVar[str] = "tokens-controller"
    kind: ClassVar[str] = "v1/Secret"
    workers: ClassVar[int] = 1

    def __init__(self, client: Client, cache: Cache, *, root_ca: str) -> None:
        super().__init__(client, cache)
        self.root_ca = root_ca
        self.accounts = cache["v1/ServiceAccount"]
        self.accounts.on_change(self._account_changed)

    async def sync(self, key: Key) -> None:
        """Fill in one Secret, or delete it when its account is gone."""
        secret = self.primary.get(key)
        if secret is None or is_deleting(secret) or secret.get("type") != TYPE:
            return
        notes = annotations_of(secret)
        account = self.accounts.get((key[0], notes.get(NAME, "")))
        if account is None or notes.get(UID, uid_of(account)) != uid_of(account):
            await self.delete(secret)
            return
        data = dict(secret.get("data") or {})
        wanted = {"ca.crt": _encoded(self.root_ca), "namespace": _encoded(key[0])}
        if data.get("token") and wanted.items() <= data.items() and UID in notes:
            return
        data |= wanted
        data["token"] = data.get("token") or _encoded(await self._token(secret, account))
        meta = {**secret["metadata"], "annotations": {**notes, UID: uid_of(account)}}
        await self.update({**secret, "metadata": meta, "data": data})

    async def _token(self, secret: Obj, account: Obj) -> str:
        namespace, name = key_of(account)
        bound = {
            "apiVersion": "v1",
            "kind": "Secret",
            "name": key_of(secret)[1],
            "uid": uid_of(secret),
        }
        version, _, kind = TOKEN_REQUEST.rpartition("/")
        answer = await self.client.create(
            {
                "apiVersion": version,
                "kind": kind,
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"expirationSeconds": SECONDS, "boundObjectRef": bound},
            }
        )
        return str(answer["status"]["token"])

    def _account_changed(self, old: Obj | None, new: Obj | None) -> None:
        account = new or old
        if account is None:
            return
        namespace, name = key_of(account)
        for secret in self.primary.in_namespace(namespace):
            if annotations_of(secret).get(NAME) == name:
                self.queue.add(key_of(secret))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
