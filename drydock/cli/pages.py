"""Help pages of verbs other than `call`."""

from __future__ import annotations

from drydock.cli import _ABOUT, usage
from drydock.cli.options import Options


def verb_page(verb: str, options: Options) -> str:
    """Return the help of a verb."""
    words = {"check": "[pattern...]", "generate": "[pattern...]", "up": "[pattern...]",
             "functions": "[function...]", "run": "<command...>", "query": "[operation]"}  # fmt: skip
    synopsis = " ".join(filter(None, [f"  dagger {verb} [options]", words.get(verb, "")]))
    parts = [_ABOUT[verb], usage.section("USAGE", synopsis)]
    if options.local:
        parts.append(usage.section("OPTIONS", usage.flag_table(options.shown_local())))
    parts.append(usage.section("INHERITED OPTIONS", usage.flag_table(options.shown_inherited())))
    return "\n\n".join(parts).rstrip() + "\n"
