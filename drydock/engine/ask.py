"""Ask the API from inside the engine: for rooms that need what another type's resolvers make.

Modules read their context with it, and turn addresses into objects, exactly as a client would.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import EngineError
from .execute import Walker, execute
from .trace import Trace, current_span

if TYPE_CHECKING:
    from .session import Client


async def ask(
    client: Client,
    query: str,
    variables: Mapping[str, Any] | None = None,
    *,
    hidden: bool = False,
) -> Any:
    """Return the data of a query that `client` asks below the current span; EngineError as the API says it.

    A `hidden` one is not shown in the session's progress.
    """
    span = Trace().root() if hidden else current_span()
    _, body = await execute(client, query, variables, span=span)
    errors = body.get("errors")
    if errors:
        raise EngineError(errors[0]["message"], errors[0].get("extensions"))
    return body["data"]


async def load(client: Client, id_: str) -> Any:
    """Return the domain object behind an id; what has to be made again for it is not shown."""
    with Trace().root().current():
        return await Walker(client).load(id_)
