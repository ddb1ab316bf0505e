"""A chain of functions on the command line: words in, one GraphQL selection out.

`dagger call dish --name=soup with-note --note=x recipe` walks the types from the module's main object. Each step owns the
flags behind its name; the program's own flags may stand anywhere. `walk` needs no engine apart from types; making
addresses into objects comes later, in `Chain.query`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drydock.cli import usage
from drydock.cli.arguments import (
    Ask,
    Binding,
    bind,
    is_bare_secret,
    literal,
    secret_address,
)
from drydock.cli.flags import FlagSet, HelpRequested, UsageError
from drydock.cli.options import Options
from drydock.cli.typedefs import Argument, Function, TypeRef, Types


class CommandError(Exception):
    """A usage error, with the command whose help would explain it."""

    def __init__(self, message: str, command: str, *, page: str = "") -> None:
        super().__init__(message)
        self.command = command
        self.page = page  # help to print all the same


class MissingArgumentError(Exception):
    """The constructor needs an argument that nothing gives."""


@dataclass
class Step:
    """One function of the chain with the flags given to it."""

    function: Function
    bindings: list[Binding] = field(default_factory=list)

    def used_defaults(self) -> list[Argument]:
        """Return the arguments whose value comes from the user's `.env`."""
        return [
            b.argument
            for b in self.bindings
            if not b.flag.given and b.argument.user_default is not None
        ]

    def bare_secrets(self) -> list[str]:
        """Return secrets that were given without a scheme."""
        return [
            str(b.flag.value)
            for b in self.bindings
            if b.flag.given and is_bare_secret(b.argument, str(b.flag.value))
        ]

    def selection(self, ask: Ask) -> str:
        """Write the step as a GraphQL field with arguments."""
        given = [b for b in self.bindings if b.flag.given]
        for binding in given:
            if is_bare_secret(binding.argument, str(binding.flag.value)):
                binding.flag.value = secret_address(binding.flag.value)
        parts = [f"{b.argument.name}: {literal(b, ask)}" for b in given]
        return self.function.name + (f"({', '.join(parts)})" if parts else "")


@dataclass
class Chain:
    """The steps from Query to the result; the first is the module's constructor."""

    types: Types
    steps: list[Step]
    command: str  # "dagger call dish recipe"

    @property
    def result(self) -> TypeRef:
        """The type of what the last step returns, inside of any list."""
        return self.steps[-1].function.returns if self.steps else TypeRef("OBJECT", "Query")

    @property
    def called(self) -> bool:
        """Whether any function follows the constructor."""
        entry = 1 if self.types.entry else 0
        return len(self.steps) > entry

    def check_constructor(self) -> None:
        """Complain about the first constructor argument that nothing gives."""
        if not self.types.entry or not self.steps:
            return
        for binding in self.steps[0].bindings:
            argument = binding.argument
            if argument.required and argument.user_default is None and not binding.flag.given:
                raise MissingArgumentError(f'missing required argument: "{argument.flag}"')

    def query(self, ask: Ask, leaf: str) -> str:
        """Write the whole chain as a query that ends in `leaf` (empty for a plain result)."""
        fields = [step.selection(ask) for step in self.steps]
        text = leaf
        for name in reversed(fields):
            text = f"{name} {{ {text} }}" if text else name
        return f"{{ {text} }}"


def walk(types: Types, options: Options, argv: list[str], command: str = "dagger call") -> Chain:
    """Read the words behind `call`. Raises CommandError, or HelpRequested with the page as its text."""
    wants_help = _asks_for_help(argv)
    entry = types.entry
    bindings = bind(entry.args, types, constructor=True) if entry else []
    steps = [Step(entry, bindings)] if entry else []
    functions = types.callable(types.main)
    arguments = bindings
    function: Function | None = None
    rest = argv
    while True:
        page = _Page(command, function, arguments, functions)
        flags = FlagSet([b.flag for b in arguments]).add(*options.local, *options.inherited)
        try:
            rest = flags.parse(rest)
            if function is not None:
                flags.require()
        except HelpRequested:
            raise HelpRequested(page.render(options)) from None
        except UsageError as error:
            shown = page.render(options) if wants_help and function is None else ""
            raise CommandError(str(error), command, page=shown) from None
        if not rest:
            return Chain(types, steps, command)
        word, rest = rest[0], rest[1:]
        found = next((f for f in functions if f.command == word), None)
        if found is None:
            shown = page.render(options) if wants_help and function is None else ""
            raise CommandError(f'unknown command "{word}" for "{command}"', command, page=shown)
        function = found
        command = f"{command} {word}"
        arguments = bind(function.args, types)
        steps.append(Step(function, arguments))
        target = function.returns.base
        functions = types.callable(target.name) if target.kind == "OBJECT" else []


def _asks_for_help(argv: list[str]) -> bool:
    words = argv[: argv.index("--")] if "--" in argv else argv
    return any(word in {"--help", "-h"} for word in words)


@dataclass(frozen=True)
class _Page:
    """One help page."""

    command: str
    function: Function | None
    arguments: list[Binding]
    functions: list[Function]

    def render(self, options: Options) -> str:
        parts = [self._about(), usage.section("USAGE", f"  {self._synopsis()}")]
        if self.functions:
            rows = [(f.command, usage.first_line(f.description)) for f in self.functions]
            parts.append(usage.section("FUNCTIONS", usage.command_table(rows)))
        if self.arguments:
            table = usage.flag_table(b.flag for b in self.arguments)
            parts.append(usage.section("ARGUMENTS", table))
        if self.function is None:
            parts.append(usage.section("OPTIONS", usage.flag_table(options.shown_local())))
            parts.append(
                usage.section("INHERITED OPTIONS", usage.flag_table(options.shown_inherited()))
            )
        if self.functions:
            parts.append(
                f'Use "{self.command} [command] --help" for more information about a command.'
            )
        return "\n\n".join(parts).rstrip() + "\n"

    def _about(self) -> str:
        if self.function is None:
            return "Call one or more functions, interconnected into a pipeline"
        return self.function.description.strip() or "-"

    def _synopsis(self) -> str:
        words = [self.command]
        if self.function is None:
            words.append("[options]")
        elif self.arguments:
            words.append("[arguments]")
        if self.functions:
            words.append("<function>")
        return " ".join(words)
