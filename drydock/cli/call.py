"""`call`: load the module, read the chain of functions, run it, print the result."""

from __future__ import annotations

import time
from collections.abc import Iterator

from drydock.cli.chain import Chain, walk
from drydock.cli.flags import HelpRequested
from drydock.cli.result import evaluate
from drydock.cli.verb import Run, run_verb, steps_of


def main(argv: list[str]) -> int:
    """Run the verb; return the exit code."""
    return run_verb("call", argv, _call, positional=True)


def _call(run: Run) -> str:
    types, _ = run.load_module()
    steps = steps_of(run)
    steps.start("parse", "parsing command line arguments")
    run.options.forget()
    try:
        chain = walk(types, run.options, run.argv)
    except HelpRequested:
        steps.end("parse", "parsing command line arguments")
        raise
    except Exception as error:
        steps.end("parse", "parsing command line arguments", str(error))
        raise
    steps.end("parse", "parsing command line arguments")
    run.command = chain.command
    run.reporter.preface(list(used_defaults(chain)))
    if chain.called:
        chain.check_constructor()
    secrets = [name for step in chain.steps for name in step.bare_secrets()]
    output = evaluate(chain, run.connection, run.options, run.notes.append)
    for name in secrets:
        run.notes.append(
            f'{time.strftime("%H:%M:%S")} WRN deprecation: missig URI scheme in secret argument "{name}". '
            "Add env:// prefix to prevent errors in future versions"
        )
    return output


def used_defaults(chain: Chain) -> Iterator[str]:
    """Yield a line for each value that comes from the user's `.env`."""
    for step in chain.steps:
        name = chain.types.module or ""
        if chain.types.entry is None or step.function is not chain.types.entry:
            name = f"{name}.{step.function.command}" if name else step.function.command
        for argument in step.used_defaults():
            base = argument.type.base
            if base.kind == "OBJECT" and base.name not in {"Secret", "Service"}:
                continue
            value = "***" if base.name == "Secret" else argument.user_default
            yield f'user default: {name}({argument.name}="{value}")'
