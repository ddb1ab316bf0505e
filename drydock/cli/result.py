"""What a call returned, on standard output or in a file.

Plain values print as they are, lists one element a line, objects as `Type@digest` after they were evaluated. Containers,
directories and files can be saved, changesets are applied when the user says yes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drydock.cli.chain import Chain
from drydock.cli.changes import SUMMARY, ResultError, apply_changes
from drydock.cli.connection import Connection
from drydock.cli.options import Options
from drydock.cli.typedefs import TypeRef

Note = Callable[[str], None]
EVALUATED = {"Container", "Directory", "File"}
EXPORTED = {"Container", "Directory", "File"}
_DIGITS = 16


def evaluate(chain: Chain, connection: Connection, options: Options, note: Note) -> str:
    """Run a chain; return the text for standard output. `note` gets what to say about saved files."""
    result = chain.result
    output = options.value("output")
    if not chain.called:
        return "Query\n"
    if result.kind == "OBJECT" and result.name == "Changeset":
        return _apply(chain, connection, options, output, note)
    if output and result.kind == "OBJECT" and result.name in EXPORTED:
        return _export(chain, connection, output, note)
    value = _value(chain, connection)
    as_json = options.on("json")
    if result.base.kind == "OBJECT":
        return _objects(result, value)
    if value is None and result.kind == "VOID":
        return ""
    text = _json(value) if as_json else _plain(value)
    if output:
        path = Path(output)
        path.write_text(text)
        note(f'Saved output to "{path.absolute()}".')
    return text


def _value(chain: Chain, connection: Connection) -> Any:
    """Return the last field's value; inside of lists, of every element."""
    base = chain.result.base
    leaf = ""
    if base.kind == "OBJECT":
        leaf = "sync" if base.name in EVALUATED and chain.result.element is None else "id"
    data = connection.query(chain.query(connection.query, leaf))
    path = [step.function.name for step in chain.steps] + ([leaf] if leaf else [])
    return _follow(data, path)


def _follow(data: Any, path: list[str]) -> Any:
    for position, name in enumerate(path):
        if isinstance(data, list):
            rest = path[position:]
            return [{rest[-1]: _follow(item, rest)} for item in data]
        if data is None:
            return None
        data = data[name]
    return data


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "".join(f"{_scalar(_unwrapped(item))}\n" for item in value)
    return _scalar(value)


def _unwrapped(item: Any) -> Any:
    """Drop the name that elements of a list of objects carry."""
    return next(iter(item.values())) if isinstance(item, dict) and len(item) == 1 else item


def _scalar(value: Any) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return "\n".join(_scalar(_unwrapped(item)) for item in value)
    return str(value)


def _json(value: Any) -> str:
    return json.dumps(_whole(value), indent=4, ensure_ascii=False) + "\n"


def _whole(value: Any) -> Any:
    """Write floats without a fraction as integers, as the real program does."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


def _objects(result: TypeRef, value: Any) -> str:
    name = result.base.name
    if result.element is not None or isinstance(value, list):
        return "".join(f"- {_printed(name, _unwrapped(item))}\n" for item in value or [])
    return f"{_printed(name, value)}\n"


def _printed(name: str, id_: str | None) -> str:
    """Print an object: ids are opaque, their digest is stable between runs."""
    if id_ is None:
        raise ResultError("printID: unexpected type for object: <nil>")
    return f"{name}@xxh3:{hashlib.sha256(id_.encode()).hexdigest()[:_DIGITS]}"


def _export(chain: Chain, connection: Connection, output: str, note: Note) -> str:
    path = Path(output).absolute()
    parent = ", allowParentDirPath: true" if chain.result.name == "File" else ""
    leaf = f"export(path: {json.dumps(os.fspath(path))}{parent})"
    data = connection.query(chain.query(connection.query, leaf))
    saved = _follow(data, [*(step.function.name for step in chain.steps), "export"])
    note(f'Saved to "{saved or path}".')
    return ""


def _apply(chain: Chain, connection: Connection, options: Options, output: str, note: Note) -> str:
    data = connection.query(chain.query(connection.query, SUMMARY))
    changes = _follow(data, [step.function.name for step in chain.steps])
    apply_changes(connection, changes, options, note, output or ".")
    return ""
