"""Edits of snapshots: batched, kept by key, keyed by content where content counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drydock.engine.engine import Engine
from drydock.engine.session import Session

pytestmark = pytest.mark.root

CHAIN = (
    '{ directory { withNewFile(path: "a", contents: "1") { withNewFile(path: "b", contents: "2") '
    '{ withNewDirectory(path: "d", permissions: 493) { entries } } } } }'
)


@pytest.fixture
def edits(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every edit of a snapshot by its parent's id."""
    made: list[str] = []
    real = engine.snapshots.edit

    def edit(parent: Any) -> Any:
        made.append(parent.id)
        return real(parent)

    monkeypatch.setattr(engine.snapshots, "edit", edit)
    return made


async def ask(session: Session, query: str, **variables: Any) -> Any:
    status, answer = await session.client.query(query, variables)
    assert status == 200
    assert "errors" not in answer, answer
    return answer["data"]


async def test_chain_of_small_edits_is_one_snapshot(session: Session, edits: list[str]) -> None:
    data = await ask(session, CHAIN)
    assert data["directory"]["withNewFile"]["withNewFile"]["withNewDirectory"]["entries"] == [
        "a",
        "b",
        "d/",
    ]
    assert edits == ["empty"]


async def test_result_is_found_again_in_another_session(
    engine: Engine, session: Session, edits: list[str]
) -> None:
    await ask(session, CHAIN)
    await ask(engine.open_session(session.workdir, {}), CHAIN)
    assert edits == ["empty"]


async def test_failing_step_in_the_middle_fails_the_chain(session: Session) -> None:
    query = (
        '{ directory { withNewFile(path: "f", contents: "") { withNewDirectory(path: "f") '
        '{ withNewFile(path: "g", contents: "") { entries } } } } }'
    )
    _, answer = await session.client.query(query)
    assert answer["errors"][0]["message"].startswith("mkdir /f: not a directory [traceparent:")


async def key_of(session: Session, query: str, **variables: Any) -> str:
    """Return the key of the directory that a query ends in."""
    found = await ask(session, query, **variables)
    while isinstance(found, dict):
        found = next(iter(found.values()))
    directory = await session.client.load(found)
    return str(await directory.key())


async def test_selected_directory_is_keyed_by_content_alone(session: Session) -> None:
    one = (
        '{ directory { withNewFile(path: "s/f", contents: "x") { directory(path: "s") { id } } } }'
    )
    other = (
        '{ directory { withNewFile(path: "o", contents: "y") { withNewFile(path: "t/f", '
        'contents: "x") { directory(path: "t") { id } } } } }'
    )
    whole = '{ directory { withNewFile(path: "f", contents: "x") { id } } }'
    assert await key_of(session, one) == await key_of(session, other)
    assert await key_of(session, one) != await key_of(session, whole)


async def test_host_directory_is_keyed_by_what_is_taken_of_it(
    engine: Engine, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "keep.py").write_text("1")
    (tmp_path / "drop.log").write_text("1")
    query = 'query($p: String!) { host { directory(path: $p, exclude: ["*.log"]) { id } } }'
    first = await key_of(session, query, p=str(tmp_path))
    (tmp_path / "drop.log").write_text("2")
    second = engine.open_session(tmp_path, {})
    assert await key_of(second, query, p=str(tmp_path)) == first
    (tmp_path / "keep.py").write_text("2")
    third = engine.open_session(tmp_path, {})
    assert await key_of(third, query, p=str(tmp_path)) != first


async def test_id_of_a_host_directory_means_the_same_files_later(
    engine: Engine, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("then")
    query = "query($p: String!) { host { directory(path: $p) { id } } }"
    data = await ask(session, query, p=str(tmp_path))
    (tmp_path / "f").write_text("now")
    later = engine.open_session(tmp_path, {})
    load = 'query($i: ID!) { node(id: $i) { ... on Directory { file(path: "f") { contents } } } }'
    found = await ask(later, load, i=data["host"]["directory"]["id"])
    assert found["node"]["file"]["contents"] == "then"
