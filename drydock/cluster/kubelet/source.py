"""Where a pod's configuration comes from: ConfigMaps, Secrets and tokens of its namespace.

Environment and volumes ask it. Invariant: what is absent is either optional or a ConfigError in the
kubelet's words, which shows up in the container's status.
"""

from __future__ import annotations

import base64

from drydock.cluster.client import ApiError, Client
from drydock.cluster.errors import Obj


class ConfigError(Exception):
    """The container cannot be configured; the text is shown as the reason to wait."""


class ConfigSource:
    """Reads configuration objects through the API."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(
        self, kind: str, namespace: str, name: str, optional: object = None
    ) -> Obj | None:
        """Return a ConfigMap or Secret; None when it is absent and optional."""
        try:
            return await self._client.get(kind, namespace, name)
        except ApiError as error:
            if error.code != 404:
                raise ConfigError(str(error)) from error
            if optional:
                return None
            raise ConfigError(f'{kind.rpartition("/")[2].lower()} "{name}" not found') from error

    async def token(self, pod: Obj, *, audience: str, seconds: int) -> str:
        """Return a fresh token of the pod's service account, bound to the pod."""
        meta = pod["metadata"]
        spec: Obj = {
            "expirationSeconds": seconds,
            "boundObjectRef": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": meta["name"],
                "uid": meta["uid"],
            },
        }
        if audience:
            spec["audiences"] = [audience]
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {
                "name": pod["spec"].get("serviceAccountName") or "default",
                "namespace": meta["namespace"],
            },
            "spec": spec,
        }
        try:
            answer = await self._client.create(asked)
        except ApiError as error:
            raise ConfigError(f"failed to fetch token: {error}") from error
        return str(answer["status"]["token"])


def decoded(obj: Obj) -> dict[str, bytes]:
    """Return the entries of a ConfigMap or Secret as bytes."""
    if obj["kind"] == "Secret":
        return {name: base64.b64decode(text) for name, text in (obj.get("data") or {}).items()}
    made = {name: text.encode() for name, text in (obj.get("data") or {}).items()}
    for name, text in (obj.get("binaryData") or {}).items():
        made[name] = base64.b64decode(text)
    return made
