"""Flags of one command: definition and parsing.

Every verb and every function in a chain has its own `FlagSet`. Parsing stops at the first word that is no flag, because that
word names the next function. Texts of errors are those of the real command line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from drydock.cli.names import kebab
from drydock.cli.values import FlagValueError, Parser, parse_bool, parse_text


class UsageError(Exception):
    """The command line cannot be understood; the text says which word of it."""


class HelpRequested(Exception):  # noqa: N818 - a request, not an error
    """`--help` was given."""


@dataclass
class Flag:
    """One flag: how it is shown, how its text is read, and what was given."""

    name: str
    usage: str = ""
    kind: str = "string"  # the word behind the name; "" for a switch
    shorthand: str = ""
    shown_default: str = ""
    parse: Parser = parse_text
    switch: bool = False  # stands alone; a value only with "="
    counter: bool = False
    repeated: bool = False  # values add up to a list
    required: bool = False
    value: Any = None
    given: bool = False

    @property
    def title(self) -> str:
        """Name the flag as errors do."""
        return f"-{self.shorthand}, --{self.name}" if self.shorthand else f"--{self.name}"

    def take(self, text: str | None) -> None:
        """Accept one occurrence; `text` is None for a bare switch."""
        if self.counter:
            self.value = (self.value or 0) + 1 if text is None else int(text)
        else:
            try:
                value: Any = True if text is None else self.parse(text)
            except FlagValueError as error:
                raise UsageError(
                    f'invalid argument "{text}" for "{self.title}" flag: {error}'
                ) from None
            self.value = [*(self.value or []), *value] if self.repeated else value
        self.given = True


@dataclass
class FlagSet:
    """The flags that one command knows, in order of definition."""

    flags: list[Flag] = field(default_factory=list)

    def add(self, *flags: Flag) -> FlagSet:
        """Add flags; a name that is taken keeps its first meaning."""
        taken = {flag.name for flag in self.flags}
        self.flags.extend(flag for flag in flags if flag.name not in taken)
        return self

    def named(self, name: str) -> Flag | None:
        """Find a flag by its name, in whatever spelling."""
        normal = kebab(name)
        return next((flag for flag in self.flags if flag.name == normal), None)

    def short(self, letter: str) -> Flag | None:
        """Find a flag by its letter."""
        return next((flag for flag in self.flags if flag.shorthand == letter), None)

    def parse(self, argv: list[str]) -> list[str]:
        """Read flags up to the first other word; return that word and all behind it."""
        rest = list(argv)
        while rest:
            word = rest[0]
            if word == "--":
                return rest[1:]
            if not word.startswith("-") or word == "-":
                return rest
            rest = self.take(word, rest[1:])
        return rest

    def take(self, word: str, rest: list[str]) -> list[str]:
        """Read one flag, and its value from the words behind it; return what is left of them."""
        if word.startswith("--"):
            return self._long(word, rest)
        return self._letters(word, rest)

    def require(self) -> None:
        """Complain about required flags that were not given."""
        missing = sorted(flag.name for flag in self.flags if flag.required and not flag.given)
        if missing:
            names = ", ".join(f'"{name}"' for name in missing)
            raise UsageError(f"required flag(s) {names} not set")

    def _long(self, word: str, rest: list[str]) -> list[str]:
        name, equals, text = word[2:].partition("=")
        flag = self.named(name)
        if flag is None:
            if kebab(name) == "help":
                raise HelpRequested
            raise UsageError(f"unknown flag: --{name}")
        if equals:
            flag.take(text)
        elif flag.switch or flag.counter:
            flag.take(None)
        elif rest:
            flag.take(rest[0])
            return rest[1:]
        else:
            raise UsageError(f"flag needs an argument: --{name}")
        return rest

    def _letters(self, word: str, rest: list[str]) -> list[str]:
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self.short(letter)
            if flag is None:
                if letter == "h":
                    raise HelpRequested
                raise UsageError(f"unknown shorthand flag: '{letter}' in {word}")
            if letters.startswith("="):
                flag.take(letters[1:])
                return rest
            if flag.switch or flag.counter:
                flag.take(None)
            elif letters:
                flag.take(letters)
                return rest
            elif rest:
                flag.take(rest[0])
                return rest[1:]
            else:
                raise UsageError(f"flag needs an argument: '{letter}' in {word}")
        return rest


def switch(name: str, usage: str, shorthand: str = "") -> Flag:
    """Make a flag that stands alone."""
    return Flag(name, usage, kind="", shorthand=shorthand, parse=parse_bool, switch=True)


def counter(name: str, usage: str, shorthand: str) -> Flag:
    """Make a flag that counts how often it is given."""
    return Flag(name, usage, kind="count", shorthand=shorthand, counter=True)


def text(name: str, usage: str, shorthand: str = "", default: str = "") -> Flag:
    """Make a flag with a text."""
    shown = f'"{default}"' if default else ""
    return Flag(name, usage, shorthand=shorthand, shown_default=shown, value=default)
