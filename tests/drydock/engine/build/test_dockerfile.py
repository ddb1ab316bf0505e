"""Dockerfiles are read as Docker reads them."""

from __future__ import annotations

import pytest

from drydock.engine.build.dockerfile import Heredoc, parse
from drydock.engine.build.stages import arrange, find_target
from drydock.engine.build.words import expand, split
from drydock.engine.errors import EngineError


def test_continued_lines_lose_comments_between_them() -> None:
    (item,) = parse("RUN a \\\n# not here\n\n  b \\\n  c\n")
    assert (item.line, item.keyword, item.text) == (1, "RUN", "a   b   c")


def test_escape_directive_changes_the_character() -> None:
    found = parse("# escape=`\nRUN a `\n  b\nRUN c:\\\n")
    assert [item.text for item in found] == ["a   b", "c:\\"]


def test_flags_and_exec_form() -> None:
    (item,) = parse('COPY --from=x --chown=1:2 ["a b", "/c"]\n')
    assert item.flag("from") == "x"
    assert item.words == ("a b", "/c")
    (item,) = parse("CMD [not json]\n")
    assert item.words is None


def test_heredocs_are_taken_with_their_instruction() -> None:
    first, second = parse("COPY <<A <<'B' /x/\n$one\nA\ntwo\nB\nRUN true\n")
    assert first.heredocs == (Heredoc("A", "$one\n", True), Heredoc("B", "two\n", False))
    assert (second.keyword, second.line) == ("RUN", 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM a\nFROB x\n", "dockerfile parse error on line 2: unknown instruction: FROB"),
        ("# only\n", "file with no instructions"),
        ("RUN <<E\nx\n", "dockerfile parse error on line 1: unterminated heredoc"),
        ("FROM a\nENV\n", "dockerfile parse error on line 2: ENV requires at least one argument"),
    ],
)
def test_mistake_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        parse(text)
    assert caught.value.message == f"failed to convert Dockerfile to LLB: {message}"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("$A/${A}", "1/1"),
        ("${B:-x}${B-y}${A:-z}", "x1"),
        ("${A:+set}${B:+set}${NO+set}", "set"),
        ("'$A' \"$A\" \\$A", "$A 1 $A"),
        ("${NO:-${A}}", "1"),
        ("a$", "a$"),
    ],
)
def test_references_are_expanded(word: str, value: str) -> None:
    assert expand(word, {"A": "1", "B": ""}) == value


def test_required_reference_fails() -> None:
    with pytest.raises(EngineError, match="NO: tell me"):
        expand("${NO:?tell me}", {})


def test_words_are_split_outside_of_quotes() -> None:
    assert split("a='b c' \"d e\" f\\ g") == ["a='b c'", '"d e"', "f\\ g"]


def test_arguments_before_from_name_the_image() -> None:
    text = "ARG T=1\nARG U\nFROM i:$T AS one\nRUN x\nFROM one\nCOPY --from=0 a b\n"
    stages, shared = arrange(parse(text), {"U": "u"}, {})
    assert [(s.name, s.base) for s in stages] == [("one", "i:1"), ("", "one")]
    assert shared == {"T": "1", "U": "u"}
    assert stages[1].needs() == {"one", "0"}
    assert find_target(stages, "ONE") is stages[0]
    with pytest.raises(EngineError, match='target stage "1" could not be found'):
        find_target(stages, "1")
