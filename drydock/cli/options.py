"""The program's own flags: those of `call` and the other module verbs, and those that every verb inherits.

Read twice: once quickly over the whole command line, because `-m` and `--silent` decide what happens before the types of a
module are known; then in place, by the parser of the step they stand at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from drydock.cli.flags import Flag, FlagSet, HelpRequested, UsageError, counter, switch, text

PROGRESS = ("auto", "plain", "tty", "dots", "logs", "report")


class ProgressError(Exception):
    """`--progress` names no format."""


def _inherited() -> list[Flag]:
    return [
        switch("auto-apply", "Automatically apply changes when a changeset is returned", "y"),
        switch("debug", "Show debug logs and full verbosity", "d"),
        switch("interactive", "Spawn a terminal on container exec failure", "i"),
        text(
            "interactive-command",
            "Change the default command for interactive mode",
            default="/bin/sh",
        ),
        text(
            "lock",
            "Lock lookup mode (disabled, live, pinned, frozen). Defaults to disabled.",
        ),
        switch("no-exit", "Leave the TUI running after completion", "E"),
        text("progress", "Progress output format (auto, plain, tty, dots, logs)", default="auto"),
        counter("quiet", "Reduce verbosity (show progress, but clean up at the end)", "q"),
        switch("silent", "Do not show progress at all", "s"),
        counter("verbose", "Increase verbosity (use -vv or -vvv for more)", "v"),
        switch("web", "Open trace URL in a web browser", "w"),
        text("x-release", "Run an experimental release from a Dagger git ref"),
    ]


def _module() -> list[Flag]:
    return [
        text(
            "mod",
            "Module reference to load, either a local path or a remote git repo "
            "(defaults to current directory)",
            "m",
        ),
        switch("no-mod", "Don't automatically load a module (mutually exclusive with --mod)", "M"),
    ]


def _call() -> list[Flag]:
    return [
        Flag(
            "allow-llm",
            "List of URLs of remote modules allowed to access LLM APIs, or 'all' to bypass "
            "restrictions for the entire session",
            kind="strings",
        ),
        switch("eager-runtime", "load module runtime eagerly"),
        switch("json", "Present result as JSON", "j"),
        *_module(),
        text("output", "Save the result to a local file or directory", "o"),
    ]


def _listing(verb: str) -> list[Flag]:
    flags = [switch("list", f"List available {_LISTED[verb]}", "l"), *_module()]
    if verb == "check":
        flags += [
            switch("failfast", "Cancel remaining checks on first failure"),
            switch("no-generate", "Do not run generators as checks"),
            switch("generate", "Only run generators as checks"),
        ]
    return sorted(flags, key=lambda flag: flag.name)


_LISTED = {"check": "checks", "generate": "generators", "up": "services"}
_LOCAL: dict[str, Callable[[], list[Flag]]] = {
    "call": _call,
    "functions": _module,
    "query": lambda: [
        *_module(),
        text("doc", "Read query from file (defaults to reading from stdin)"),
        Flag(
            "var",
            "Variables for the query, as NAME=VALUE",
            kind="strings",
            parse=lambda t: [t],
            repeated=True,
        ),
        text("var-json", "Variables for the query, as a JSON object"),
    ],
    "config": lambda: [*_module(), switch("json", "Present result as JSON", "j")],
    "check": lambda: _listing("check"),
    "generate": lambda: _listing("generate"),
    "up": lambda: _listing("up"),
}


@dataclass
class Options:
    """The flags a verb knows, apart from arguments of functions."""

    verb: str
    local: list[Flag] = field(default_factory=list)
    inherited: list[Flag] = field(default_factory=_inherited)
    # What the environment says; a flag wins.
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, verb: str, environ: Mapping[str, str]) -> Options:
        """Make the flags of a verb."""
        make = _LOCAL.get(verb)
        return cls(verb, make() if make else [], environ=environ)

    def shown_local(self) -> list[Flag]:
        """Return the verb's own flags as help lists them."""
        return sorted(self.local, key=lambda flag: flag.name)

    def shown_inherited(self) -> list[Flag]:
        """Return the inherited flags as help lists them."""
        return self.inherited

    def scan(self, argv: list[str]) -> None:
        """Take the program's flags wherever they stand; other words are none of its business."""
        known = FlagSet([*self.local, *self.inherited])
        rest = argv[: argv.index("--")] if "--" in argv else list(argv)
        while rest:
            word, rest = rest[0], rest[1:]
            if word.startswith("-") and word != "-":
                with suppress(UsageError, HelpRequested):
                    rest = known.take(word, rest)
        self._check()

    def forget(self) -> None:
        """Make counters and lists start anew before the flags are read in place."""
        for flag in (*self.local, *self.inherited):
            if flag.counter or flag.repeated:
                flag.value = None

    def value(self, name: str) -> str:
        """Return a text flag's value."""
        return str(self._flag(name).value or "")

    def values(self, name: str) -> list[str]:
        """Return what a repeated flag gathered."""
        return list(self._flag(name).value or ())

    def on(self, name: str) -> bool:
        """Return whether a switch is on."""
        return any(f.name == name and bool(f.value) for f in (*self.local, *self.inherited))

    def count(self, name: str) -> int:
        """Return how often a counter was given."""
        return int(self._flag(name).value or 0)

    @property
    def module(self) -> str:
        """The module reference, empty for the one that is found."""
        if self.on("no-mod"):
            return ""
        return self.value("mod") or self.environ.get("DAGGER_MODULE", "")

    @property
    def silent(self) -> bool:
        """Whether to show no progress."""
        return self.on("silent") or self.environ.get("DAGGER_SILENT", "") not in {"", "0", "false"}

    @property
    def progress(self) -> str:
        """The progress format."""
        flag = self._flag("progress")
        return str(flag.value if flag.given else self.environ.get("DAGGER_PROGRESS") or "auto")

    def _flag(self, name: str) -> Flag:
        return next(f for f in (*self.local, *self.inherited) if f.name == name)

    def _check(self) -> None:
        if self.progress not in PROGRESS:
            raise ProgressError(f'unknown progress type "{self.progress}"')
