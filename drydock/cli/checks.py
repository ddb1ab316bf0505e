"""`check`, `generate` and `up`: run a module's functions by kind."""

from __future__ import annotations

from typing import Any

from drydock.cli import usage
from drydock.cli.changes import SUMMARY, ResultError, apply_changes
from drydock.cli.verb import Run, run_verb

_FIELDS = {"check": "checks", "generate": "generators", "up": "services"}
_FACTS = "name description"


def main(verb: str, argv: list[str]) -> int:
    """Run one of the verbs; return the exit code."""
    return run_verb(verb, argv, {"check": _check, "generate": _generate, "up": _up}[verb])


def _check(run: Run) -> str:
    run.load_module()
    options = run.options
    if options.on("list"):
        own = _ask(run, "checks", f"list {{ {_FACTS} }}", {"noGenerate": True})
        generators = _ask(run, "generators", f"list {{ {_FACTS} }}")
        rows = _rows(own)
        if generators["list"]:
            rows += [("", ""), (usage.bold("Generators"), ""), *_rows(generators)]
        return usage.listing(rows) + "\n"
    fail_fast = "(failFast: true)" if options.on("failfast") else ""
    selection = (
        f"run{fail_fast} {{ list {{ name completed passed checkType error {{ message }} }} }}"
    )
    arguments = {"noGenerate": True} if options.on("no-generate") else {}
    checks = _ask(run, "checks", selection, arguments)["run"]["list"]
    _mention_if_none(run, checks)
    if options.on("generate"):
        checks = [check for check in checks if check["checkType"] == "generate"]
    failed = [check for check in checks if check["error"]]
    failed.sort(key=lambda check: bool(check["checkType"] != "generate"))
    if failed:
        raise ResultError("\n".join(check["error"]["message"] for check in failed))
    return ""


def _generate(run: Run) -> str:
    run.load_module()
    if run.options.on("list"):
        return usage.listing(_rows(_ask(run, "generators", f"list {{ {_FACTS} }}"))) + "\n"
    found = _ask(run, "generators", f"list {{ name }} changes {{ {SUMMARY} }}")
    if _mention_if_none(run, found["list"]):
        return ""
    apply_changes(run.connection, found["changes"], run.options, run.notes.append, _root(run))
    return ""


def _up(run: Run) -> str:
    run.load_module()
    if run.options.on("list"):
        return usage.listing(_rows(_ask(run, "services", f"list {{ {_FACTS} }}"))) + "\n"
    _mention_if_none(run, _ask(run, "services", "run { list { name } }")["run"]["list"])
    return ""


def _mention_if_none(run: Run, found: list[Any]) -> bool:
    """Say it when nothing was run, because a mistyped name would pass for success."""
    if not found:
        verb = run.options.verb
        kind = "function" if verb != "up" else "service"
        named = f" matches {' '.join(run.argv)}" if run.argv else ""
        run.notes.append(f"no {kind} of `{verb}`{named}; `{verb} -l` lists what there is")
    return not found


def _rows(group: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["name"], usage.first_line(item["description"])) for item in group["list"]]


def _root(run: Run) -> str:
    data = run.connection.query(
        "query($ref: String!) { moduleSource(refString: $ref) { asString } }",
        {"ref": run.options.module or "."},
    )
    return str(data["moduleSource"]["asString"])


def _ask(
    run: Run, group: str, selection: str, arguments: dict[str, bool] | None = None
) -> dict[str, Any]:
    """Ask about the module's functions of a kind that the command line's patterns name."""
    given = [f"{name}: {str(value).lower()}" for name, value in (arguments or {}).items()]
    if run.argv:
        given.append("include: $include")
    text = f"({', '.join(given)})" if given else ""
    declared = "$ref: String!" + (", $include: [String!]" if run.argv else "")
    query = (
        f"query({declared}) {{ moduleSource(refString: $ref) {{ asModule "
        f"{{ {group}{text} {{ {selection} }} }} }} }}"
    )
    variables: dict[str, Any] = {"ref": run.options.module or "."}
    if run.argv:
        variables["include"] = run.argv
    data = run.connection.query(query, variables)
    found: dict[str, Any] = data["moduleSource"]["asModule"][group]
    return found
