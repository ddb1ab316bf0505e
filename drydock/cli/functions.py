"""`functions`: list what can be called, of the module or of what a chain of functions returns."""

from __future__ import annotations

from drydock.cli import usage
from drydock.cli.chain import CommandError
from drydock.cli.verb import Run, run_verb


def main(argv: list[str]) -> int:
    """Run the verb; return the exit code."""
    return run_verb("functions", argv, _functions)


def _functions(run: Run) -> str:
    types, _ = run.load_module()
    if types.module is None:
        run.notes.append("No functions found.")
        return ""
    name = types.main
    for word in run.argv:
        found = next((f for f in types.callable(name) if f.command == word), None)
        if found is None or found.returns.base.kind != "OBJECT":
            raise CommandError(f'no function "{word}" in type "{name}"', "dagger functions")
        name = found.returns.base.name
    rows = [(f.command, usage.first_line(f.description)) for f in types.callable(name)]
    text = usage.listing(rows) + "\n"
    skipped = types.skipped(name)
    if not run.argv and types.entry is not None and types.entry.args:
        skipped = sorted([*skipped, "with"])
    if skipped:
        note = f"Skipped {len(skipped)} function(s) with unsupported types: {', '.join(skipped)}"
        text += f"\n{usage.faint(note)}\n"
    return text
