"""`query`: send a GraphQL document from standard input or a file; `config`: show the module's settings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from drydock.cli.changes import ResultError
from drydock.cli.flags import UsageError
from drydock.cli.verb import Run, run_verb


def main(argv: list[str]) -> int:
    """Run `query`; return the exit code."""
    return run_verb("query", argv, _query)


def config(argv: list[str]) -> int:
    """Run `config`; return the exit code."""
    return run_verb("config", argv, _config)


def _query(run: Run) -> str:
    run.load_module()
    path = run.options.value("doc")
    document = Path(path).read_text() if path and path != "-" else sys.stdin.read()
    variables: dict[str, Any] = json.loads(run.options.value("var-json") or "{}")
    for item in run.options.values("var"):
        name, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"invalid variable {item!r}: want NAME=VALUE")
        variables[name] = value
    data = run.connection.query(document, variables, run.argv[0] if run.argv else None)
    return json.dumps(data, indent=4, ensure_ascii=False) + "\n"


def _config(run: Run) -> str:
    _, description = run.load_module()
    if description["module"] is None:
        raise ResultError("module must be fully initialized")
    facts = {
        "Name": description["module"],
        "SDK": description["sdk"],
        "Context Directory": description["context"],
        "Source Root Directory": description["root"],
    }
    if run.options.on("json"):
        keyed = {
            name.replace(" ", "")[0].lower() + name.replace(" ", "")[1:]: value
            for name, value in facts.items()
        }
        return json.dumps(keyed, indent=4) + "\n"
    column = max(len(name) for name in facts) + 4
    return "".join(f"{name + ':':<{column}}{value}\n" for name, value in facts.items())
