"""The rules of a definition (`x-kubernetes-validations`), in the part of CEL that they use.

Understood: literals, lists, `self`, fields and indexes, `!`, arithmetic, comparison, `in`, `&&`, `||`,
`?:`, `has()`, `size()` and the text methods. A rule that uses more is not judged, as if it were absent:
a local cluster would rather take an object than refuse it wrongly.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache

from drydock.cluster.errors import Cause, Json, Obj

_TOKEN = re.compile(
    r"\s*(?:(\d+\.\d+|\d+)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|([A-Za-z_]\w*)"
    r"|(\|\||&&|[=!<>]=|[-+*/%!<>?:.,()\[\]]))"
)
Value = Callable[[Json], Json]
_COMPARE: dict[str, Callable[[Json, Json], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SUM: dict[str, Callable[[Json, Json], Json]] = {"+": operator.add, "-": operator.sub}
_PRODUCT: dict[str, Callable[[Json, Json], Json]] = {
    "*": operator.mul,
    "/": lambda a, b: a // b if isinstance(a, int) else a / b,
    "%": operator.mod,
}
_METHODS: dict[str, Callable[..., Json]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": lambda text, part: part in text,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "size": len,
}


class UnknownRuleError(ValueError):
    """The rule uses a part of CEL that is not understood."""


def broken(rules: list[Obj], value: Json, path: str) -> list[Cause]:
    """Return a cause for every rule that a value breaks."""
    causes = []
    for rule in rules:
        try:
            holds = _compiled(rule["rule"])(value)
        except (UnknownRuleError, KeyError, TypeError, AttributeError, IndexError):
            continue
        if holds is False:
            message = rule.get("message") or f"failed rule: {rule['rule']}"
            causes.append(Cause(path or "<nil>", "FieldValueInvalid", f"Invalid value: {message}"))
    return causes


@lru_cache(maxsize=512)
def _compiled(text: str) -> Value:
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
    """Recursive descent; every method returns a function of `self`."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

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
        left = self.chain(_SUM, lambda: self.chain(_PRODUCT, self.unary))
        word = self.peek()
        if word not in _COMPARE and word != "in":
            return left
        self.take()
        right = self.chain(_SUM, lambda: self.chain(_PRODUCT, self.unary))
        if word == "in":
            return lambda me: left(me) in right(me)
        compare = _COMPARE[word]
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
            if self.peek() == "(":
                if name not in _METHODS:
                    raise UnknownRuleError(name)
                here = self._method(_METHODS[name], here, self.arguments())
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
        if word == "self":
            return lambda me: me
        if word == "size" and self.peek() == "(":
            (inner,) = self.arguments()
            return lambda me: len(inner(me))
        if word == "has" and self.peek() == "(":
            (inner,) = self.arguments()
            return self._has(inner)
        raise UnknownRuleError(word)

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
        def present(me: Json) -> bool:
            try:
                inner(me)
            except (KeyError, TypeError):
                return False
            return True

        return present
