"""Documents, arguments and results; the rest of the wording is in tests/conformance."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import get_introspection_query

from drydock.engine.engine import Engine
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, Resolver
from drydock.engine.session import Session

CODE = {"extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}


async def ask(session: Session, query: str, **variables: Any) -> tuple[int, dict[str, Any]]:
    return await session.client.query(query, variables)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ a: version ...f } fragment g on Query { version }", 'Unknown fragment "f".'),
        ("{ version } fragment g on Query { version }", 'Fragment "g" is never used.'),
        (
            "{ ...g } fragment g on Query { ...g }",
            'Cannot spread fragment "g" within itself.',
        ),
        ("{ ... on Nope { id } }", 'Unknown type "Nope".'),
        (
            "{ directory { ... on File { name } } }",
            'Fragment cannot be spread here as objects of type "Directory" can never be of type "File".',
        ),
        ("query($a: Nope) { version }", 'Unknown type "Nope".'),
        ('{ file(name: $n, contents: "") { id } }', 'Variable "$n" is not defined.'),
        ("query q { version } query q { version }", 'There can be only one operation named "q".'),
        ("{ version @live }", 'Unknown directive "@live".'),
        (
            "{ version } { version }",
            "This anonymous operation must be the only defined operation.",
        ),
        (
            'query($n: Int!) { file(name: $n, contents: "") { id } }',
            'Variable "$n" of type "Int!" used in position expecting type "String!".',
        ),
    ],
)
async def test_wrong_document_is_refused_with_422(
    session: Session, query: str, message: str
) -> None:
    status, answer = await ask(session, query)
    assert status == 422
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == message
    assert answer["errors"][0]["extensions"] == CODE["extensions"]


@pytest.mark.parametrize(
    ("query", "end"),
    [
        (
            "{ error(message: 5) { id } }",
            "using dagql.String: cannot create String from int64",
        ),
        (
            '{ file(name: "f", contents: "", permissions: "x") { id } }',
            'using dagql.DynamicOptional: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            '{ node(id: "ab") { id } }',
            "invalid ID string: failed to decode base64: illegal base64 data at input byte 0",
        ),
    ],
)
async def test_wrong_value_is_answered_without_running_anything(
    session: Session, query: str, end: str
) -> None:
    status, answer = await ask(session, query)
    assert status == 200
    (error,) = answer["errors"]
    assert error["message"].startswith(f"query:\n{query}\n\nerror: parse selections: ")
    assert error["message"].endswith(end)
    assert "path" not in error


async def test_fragments_aliases_and_directives_are_followed(session: Session) -> None:
    query = """
    query($no: Boolean!) { ...all  b: version @skip(if: true)  c: version @include(if: $no) }
    fragment all on Query { a: version ... on Query { e: error(message: "x") { ...msg } } }
    fragment msg on Error { message __typename }
    """
    _, answer = await ask(session, query, no=False)
    assert answer["data"] == {
        "a": "v0.21.11",
        "e": {"message": "x", "__typename": "Error"},
    }


async def test_field_without_resolver_says_so(session: Session) -> None:
    _, answer = await ask(session, "{ llm { model } }")
    assert answer["errors"][0]["message"] == (
        "Drydock does not implement Query.llm yet; "
        "a real Dagger Engine does (see docs/drydock.md)"
    )
    assert answer["errors"][0]["path"] == ["llm"]


async def test_introspection_is_kept_on_disk(session: Session, engine: Engine) -> None:
    query = get_introspection_query()
    _, answer = await ask(session, query)
    names = {found["name"] for found in answer["data"]["__schema"]["types"]}
    assert {"Container", "Query", "String"} <= names
    kept = [json.loads(p.read_text()) for p in engine.state.root.glob("schema/introspection-*")]
    assert kept == [answer["data"]]


async def test_deep_chain_is_answered(session: Session) -> None:
    """A pipeline of many steps is one deeply nested query."""
    depth = 120
    step = 'withValue(name: "k", value: "1") {'
    query = '{ error(message: "m") {' + step * depth + " message " + "}" * depth + "} }"
    status, answer = await ask(session, query)
    assert status == 200
    assert "errors" not in answer


class Cup:
    """A type that a module could bring."""

    graphql_type = "Cup"

    def __init__(self, size: int) -> None:
        self.size = size


SDL = """
type Cup implements Node { id: ID! size: Int! fill(by: Int! = 2, from: ID @expectedType(name: "Cup")): Cup! }
extend type Query { cup(size: Int!): Cup! }
"""


def fill(self: Cup, _: Call, *, by: int, from_: Cup | None) -> Cup:
    return Cup(self.size + by + (from_.size if from_ else 0))


def refuse(_: Cup, __: Call) -> int:
    raise EngineError("broken")


RESOLVERS = {
    "Query.cup": Resolver("Query.cup", lambda _, __, *, size: Cup(size)),
    "Cup.size": Resolver("Cup.size", lambda cup, _: cup.size),
    "Cup.fill": Resolver("Cup.fill", fill),
}


async def test_session_can_be_given_types_of_a_module(session: Session, engine: Engine) -> None:
    session.extend_schema(SDL, RESOLVERS)
    _, answer = await ask(session, "{ cup(size: 3) { id } }")
    query = "query($c: ID!) { cup(size: 1) { fill(from: $c) { size __typename } } }"
    _, answer = await ask(session, query, c=answer["data"]["cup"]["id"])
    assert answer["data"]["cup"]["fill"] == {"size": 6, "__typename": "Cup"}
    other = engine.open_session(session.workdir, {})
    assert (await ask(other, "{ cup(size: 1) { size } }"))[0] == 422


async def test_first_error_wins_and_data_is_null(session: Session) -> None:
    resolvers = {**RESOLVERS, "Cup.size": Resolver("Cup.size", refuse)}
    session.extend_schema(SDL, resolvers)
    _, answer = await ask(session, "{ v: version x: cup(size: 1) { y: size z: id } }")
    assert answer == {"errors": [{"message": "broken", "path": ["cup", "y"]}], "data": None}
