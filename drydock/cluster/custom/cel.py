"""CEL, in the part that rules of definitions use: from text to a function of the names in scope.

Understood: literals, lists, `self` and `oldSelf`, fields and indexes, `!`, arithmetic, comparison, `in`, `&&`,
`||`, `?:`, `has()`, `size()`, conversions, the macros of lists and maps, and the text methods. Called by `rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from drydock.cluster.custom.cel_library import (
    COMPARE,
    FUNCTIONS,
    MACROS,
    METHODS,
    PRODUCT,
    SUM,
)
from drydock.cluster.errors import Json

_TOKEN = re.compile(
    r"\s*(?:(\d+\.\d+|\d+)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|([A-Za-z_]\w*)"
    r"|(\|\||&&|[=!<>]=|[-+*/%!<>?:.,()\[\]]))"
)
Scope = Mapping[str, Json]
Value = Callable[[Scope], Json]


class UnknownRuleError(ValueError):
    """The rule uses a part of CEL that is not understood."""


@lru_cache(maxsize=512)
def compiled(text: str) -> Value:
    """Return what a text means; raises UnknownRuleError."""
    tokens: list[str] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise UnknownRuleError(text)
        tokens.append(found.group().strip())
        at = found.end()
    parser = _Parser(tokens)
    made = parser.choice()
    if parser.at != len(tokens):
        raise UnknownRuleError(text)
    return made


class _Parser:
    """Recursive descent; every method returns a function of the names in scope."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.names = {"self", "oldSelf"}

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        word = self.peek()
        if wanted and word != wanted:
            raise UnknownRuleError(f"{wanted} expected, {word} found")
        self.at += 1
        return word

    def choice(self) -> Value:
        condition = self.either()
        if self.peek() != "?":
            return condition
        self.take()
        first = self.choice()
        self.take(":")
        second = self.choice()
        return lambda me: first(me) if condition(me) else second(me)

    def either(self) -> Value:
        left = self.both()
        while self.peek() == "||":
            self.take()
            left = self._or(left, self.both())
        return left

    def both(self) -> Value:
        left = self.relation()
        while self.peek() == "&&":
            self.take()
            left = self._and(left, self.relation())
        return left

    def relation(self) -> Value:
        left = self.chain(SUM, lambda: self.chain(PRODUCT, self.unary))
        word = self.peek()
        if word not in COMPARE and word != "in":
            return left
        self.take()
        right = self.chain(SUM, lambda: self.chain(PRODUCT, self.unary))
        if word == "in":
            return lambda me: left(me) in right(me)
        compare = COMPARE[word]
        return lambda me: compare(left(me), right(me))

    def chain(
        self, known: dict[str, Callable[[Json, Json], Json]], below: Callable[[], Value]
    ) -> Value:
        left = below()
        while self.peek() in known:
            left = self._apply(known[self.take()], left, below())
        return left

    def unary(self) -> Value:
        if self.peek() == "!":
            self.take()
            inner = self.unary()
            return lambda me: not inner(me)
        if self.peek() == "-":
            self.take()
            number = self.unary()
            return lambda me: -number(me)
        return self.member()

    def member(self) -> Value:
        here = self.primary()
        while self.peek() in (".", "["):
            if self.take() == "[":
                here = self._index(here, self.choice())
                self.take("]")
                continue
            name = self.take()
            if self.peek() == "(" and name in MACROS:
                here = self._macro(MACROS[name], here)
            elif self.peek() == "(":
                if name not in METHODS:
                    raise UnknownRuleError(name)
                here = self._method(METHODS[name], here, self.arguments())
            else:
                here = self._field(here, name)
        return here

    def primary(self) -> Value:
        word = self.take()
        if word == "(":
            inner = self.choice()
            self.take(")")
            return inner
        if word == "[":
            self.at -= 1
            items = self.arguments("[", "]")
            return lambda me: [item(me) for item in items]
        if word[:1] in "'\"":
            text = re.sub(r"\\(.)", r"\1", word[1:-1])
            return lambda _: text
        if word[:1].isdigit():
            number = float(word) if "." in word else int(word)
            return lambda _: number
        if word in ("true", "false", "null"):
            constant = {"true": True, "false": False, "null": None}[word]
            return lambda _: constant
        if word in self.names and self.peek() != "(":
            return lambda me: me[word]
        if word in FUNCTIONS and self.peek() == "(":
            (inner,) = self.arguments()
            return self._call(FUNCTIONS[word], inner)
        if word == "has" and self.peek() == "(":
            (inner,) = self.arguments()
            return self._has(inner)
        raise UnknownRuleError(word)

    def _macro(self, judge: Callable[[list[Json], list[Json]], Json], here: Value) -> Value:
        """Read `(name, expression)`; the expression sees every item, or key of a map, under the name."""
        self.take("(")
        name = self.take()
        self.take(",")
        known, self.names = self.names, {*self.names, name}
        each = self.choice()
        self.names = known
        self.take(")")

        def judged(me: Scope) -> Json:
            items = list(here(me))
            return judge(items, [each({**me, name: item}) for item in items])

        return judged

    def arguments(self, opening: str = "(", closing: str = ")") -> list[Value]:
        self.take(opening)
        found: list[Value] = []
        while self.peek() != closing:
            found.append(self.choice())
            if self.peek() == ",":
                self.take()
        self.take(closing)
        return found

    @staticmethod
    def _or(left: Value, right: Value) -> Value:
        return lambda me: left(me) or right(me)

    @staticmethod
    def _and(left: Value, right: Value) -> Value:
        return lambda me: left(me) and right(me)

    @staticmethod
    def _apply(function: Callable[[Json, Json], Json], left: Value, right: Value) -> Value:
        return lambda me: function(left(me), right(me))

    @staticmethod
    def _call(function: Callable[[Json], Json], inner: Value) -> Value:
        return lambda me: function(inner(me))

    @staticmethod
    def _index(here: Value, at: Value) -> Value:
        return lambda me: here(me)[at(me)]

    @staticmethod
    def _field(here: Value, name: str) -> Value:
        return lambda me: here(me)[name]

    @staticmethod
    def _method(function: Callable[..., Json], here: Value, given: list[Value]) -> Value:
        return lambda me: function(here(me), *(one(me) for one in given))

    @staticmethod
    def _has(inner: Value) -> Value:
        def present(me: Scope) -> bool:
            try:
                inner(me)
            except (KeyError, TypeError):
                return False
            return True

        return present
