"""JSON as a Go server reads it: the same values, and Go's words for what is wrong.

Bodies and patches are read here, so that kubectl prints what it prints against a real server.
"""

from __future__ import annotations

import json

from drydock.cluster.errors import Json

_BLANK = " \t\r\n"
_LITERALS = {"t": "true", "f": "false", "n": "null"}


class GoJsonError(ValueError):
    """The text is no JSON; the message is that of Go's decoder."""


def loads(text: str) -> Json:
    """Read a document; raises GoJsonError."""
    try:
        return json.loads(text)
    except ValueError:
        _Scanner(text).document()
        raise GoJsonError("invalid JSON") from None


class _Scanner:
    """Walk a broken document up to its mistake."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def document(self) -> None:
        self.value()
        self.blank()
        if self.at < len(self.text):
            self.fail("after top-level value")

    def blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _BLANK:
            self.at += 1

    def peek(self) -> str:
        self.blank()
        if self.at >= len(self.text):
            raise GoJsonError("unexpected end of JSON input")
        return self.text[self.at]

    def fail(self, where: str) -> None:
        shown = self.text[self.at]
        shown = "'\\''" if shown == "'" else f"'{shown}'"
        raise GoJsonError(f"invalid character {shown} {where}")

    def value(self) -> None:
        first = self.peek()
        if first == "{":
            self.object()
        elif first == "[":
            self.array()
        elif first == '"':
            self.string()
        elif first in _LITERALS:
            self.literal(_LITERALS[first])
        elif first in "-0123456789":
            self.number()
        else:
            self.fail("looking for beginning of value")

    def object(self) -> None:
        self.at += 1
        if self.peek() == "}":
            self.at += 1
            return
        while True:
            if self.peek() != '"':
                self.fail("looking for beginning of object key string")
            self.string()
            if self.peek() != ":":
                self.fail("after object key")
            self.at += 1
            self.value()
            if self.peek() == "}":
                self.at += 1
                return
            if self.peek() != ",":
                self.fail("after object key:value pair")
            self.at += 1

    def array(self) -> None:
        self.at += 1
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            self.value()
            if self.peek() == "]":
                self.at += 1
                return
            if self.peek() != ",":
                self.fail("after array element")
            self.at += 1

    def string(self) -> None:
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return
            if ord(char) < 32:
                self.fail("in string literal")
            self.at += 2 if char == "\\" else 1
        raise GoJsonError("unexpected end of JSON input")

    def literal(self, word: str) -> None:
        for at, wanted in enumerate(word):
            if self.at >= len(self.text):
                raise GoJsonError("unexpected end of JSON input")
            if self.text[self.at] != wanted:
                self.fail(f"in literal {word} (expecting '{word[at]}')")
            self.at += 1

    def number(self) -> None:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in "+-.eE0123456789":
            self.at += 1
        try:
            json.loads(self.text[start : self.at])
        except ValueError:
            if self.at >= len(self.text):
                raise GoJsonError("unexpected end of JSON input") from None
            self.fail("in numeric literal")
