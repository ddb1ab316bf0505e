"""The rules of a definition (`x-kubernetes-validations`), in the part of CEL that they use.

Understood: literals, lists, `self` and `oldSelf`, fields and indexes, `!`, arithmetic, comparison, `in`, `&&`,
`||`, `?:`, `has()`, `size()`, conversions, the macros of lists and maps, and the text methods. A rule that
uses more is not judged, as if it were absent: a local cluster would rather take an object than refuse it
wrongly. A rule that speaks of `oldSelf` is about changes alone.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from drydock.cluster.errors import Cause, Json, Obj

_TOKEN = re.compile(
    r"\s*(?:(\d+\.\d+|\d+)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|([A-Za-z_]\w*)"
    r"|(\|\||&&|[=!<>]=|[-+*/%!<>?:.,()\[\]]))"
)
Scope = Mapping[str, Json]
Value = Callable[[Scope], Json]
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
    "lowerAscii": str.lower,
    "upperAscii": str.upper,
    "trim": str.strip,
    "replace": str.replace,
    "split": str.split,
    "join": lambda items, glue="": glue.join(items),
    "indexOf": str.find,
}
_FUNCTIONS: dict[str, Callable[[Json], Json]] = {
    "size": len,
    "string": lambda value: str(value).lower() if isinstance(value, bool) else str(value),
    "int": int,
    "double": float,
}
_MACROS: dict[str, Callable[[list[Json], list[Json]], Json]] = {
    "all": lambda _, found: all(found),
    "exists": lambda _, found: any(found),
    "exists_one": lambda _, found: sum(map(bool, found)) == 1,
    "filter": lambda items, found: [one for one, kept in zip(items, found, strict=True) if kept],
    "map": lambda _, found: found,
}
"""Each gets the items and what the expression said of every one of them."""
_REASONS = {
    "FieldValueForbidden": "Forbidden: {}",
    "FieldValueRequired": "Required value: {}",
    "FieldValueDuplicate": "Duplicate value: {}",
}
ABSENT: Json = object()
"""Stands for an old value that is not there."""


class UnknownRuleError(ValueError):
    """The rule uses a part of CEL that is not understood."""


_NOT_JUDGED = (KeyError, TypeError, AttributeError, IndexError, ValueError)
"""What a rule ends in that is not understood, or speaks of what is not there."""


def broken(rules: list[Obj], value: Json, path: str, old: Json = ABSENT) -> list[Cause]:
    """Return a cause for every rule that a value breaks, given what stood there before."""
    scope = {"self": value} if old is ABSENT else {"self": value, "oldSelf": old}
    causes = []
    for rule in rules:
        try:
            holds = _compiled(rule["rule"])(scope)
        except _NOT_JUDGED:
            continue
        if holds is False:
            reason = rule.get("reason") or "FieldValueInvalid"
            text = _REASONS.get(reason, "Invalid value: {}").format(_message(rule, scope))
            where = f"{path}{rule.get('fieldPath', '')}".lstrip(".")
            causes.append(Cause(where or "<nil>", reason, text))
    return causes


def _message(rule: Obj, scope: Scope) -> str:
    """Return what a broken rule says: its expression's text, its message, or the rule itself."""
    if rule.get("messageExpression"):
        try:
            said = _compiled(rule["messageExpression"])(scope)
        except _NOT_JUDGED:
            said = None
        if isinstance(said, str) and said.strip() and "\n" not in said:
            return said
    return str(rule.get("message") or f"failed rule: {rule['rule']}")


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
            if self.peek() == "(" and name in _MACROS:
                here = self._macro(_MACROS[name], here)
            elif self.peek() == "(":
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
        if word in self.names and self.peek() != "(":
            return lambda me: me[word]
        if word in _FUNCTIONS and self.peek() == "(":
            (inner,) = self.arguments()
            return self._call(_FUNCTIONS[word], inner)
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
