"""`Secret`: values that are given to commands and to nobody else."""

from __future__ import annotations

from drydock.engine.field import Call, field
from drydock.engine.process.outcome import decode
from drydock.engine.process.secret_store import Secret, SessionSecrets


# No span and no memory of the call: both would hold the plaintext.
@field("Query.setSecret", memo=False, scoped=True, quiet=True)
async def set_secret(_: object, call: Call, *, name: str, plaintext: str) -> Secret:
    """Keep a value for this session under a name."""
    return call.session.part(SessionSecrets).set(name, plaintext, call.client.scope)


@field("Query.secret", memo=False, quiet=True)
async def secret(_: object, call: Call, *, uri: str, cache_key: str | None) -> Secret:
    """Name the secret of a provider, which is asked when the value is needed."""
    store = call.session.part(SessionSecrets)
    if call.client.function_call is not None:
        return store.of_function(uri, call.client.function_call.environ)
    return store.add(uri, cache_key or "")


@field("Query.__secret", memo=False, quiet=True)
async def known_secret(_: object, call: Call, *, handle: str) -> Secret:
    """Find a secret of this session by what its id holds."""
    return call.session.part(SessionSecrets).find(handle)


@field("Secret.name", quiet=True)
async def secret_name(self: Secret, _: Call) -> str:
    """Return the name it was set with."""
    return self.name


@field("Secret.uri", quiet=True)
async def secret_uri(self: Secret, _: Call) -> str:
    """Return the provider's address."""
    return self.uri


@field("Secret.plaintext", memo=False, quiet=True)
async def plaintext(self: Secret, call: Call) -> str:
    """Return the value."""
    return decode(await call.session.part(SessionSecrets).plaintext(self))
