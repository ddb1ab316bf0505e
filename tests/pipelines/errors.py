"""Errors as an engine gives them."""

from collections.abc import Sequence
from typing import Any

import dagger
import graphql
from dagger._exceptions import QueryErrorValue
from gql import GraphQLRequest


def query_error(message: str, **extensions: Any) -> dagger.QueryError:
    """Make the error of a query."""
    value = QueryErrorValue(message, extensions=extensions)
    return dagger.QueryError([value], GraphQLRequest(graphql.parse("{ version }")))


def exec_error(
    exit_code: int, *, command: Sequence[str] = ("sh",), stdout: str = "", stderr: str = ""
) -> dagger.QueryError:
    """Make the error of a command."""
    return query_error(
        f"exit code: {exit_code}",
        _type="EXEC_ERROR",
        cmd=list(command),
        exitCode=exit_code,
        stdout=stdout,
        stderr=stderr,
    )
