"""Dockerfiles are read as Docker reads them."""

from __future__ import annotations

import pytest

from drydock.engine.process.dockerfile import DockerfileError, expand, pairs, parse
from drydock.engine.types.docker_build import needed_stages


def test_lines_go_on_and_comments_are_skipped() -> None:
    (run,) = parse("# a comment\nRUN a && \\\n  # inside\n\n  b \\\n  c\n")
    assert (run.name, run.text.split(), run.line) == ("RUN", ["a", "&&", "b", "c"], 2)


def test_another_escape_character() -> None:
    (run,) = parse("# escape=`\nRUN a `\n  b\n")
    assert run.text.split() == ["a", "b"]


def test_flags_stand_before_the_text() -> None:
    (copy,) = parse("copy --from=build --chown=5:6 a b\n")
    assert (copy.name, copy.flag("from"), copy.flag("chown"), copy.flag("none")) == (
        "COPY",
        "build",
        "5:6",
        "",
    )
    assert copy.words() == ["a", "b"]


def test_a_heredoc_ends_at_its_name() -> None:
    run, copy, last = parse(
        'RUN <<EOF\none\ntwo\nEOF\nCOPY <<"A" <<-B /d/\n$x\nA\n\ttabs\n\tB\nUSER u\n'
    )
    assert run.heredocs[0].text == "one\ntwo\n"
    assert [(doc.text, doc.expand) for doc in copy.heredocs] == [("$x\n", False), ("tabs\n", True)]
    assert last.name == "USER"


def test_exec_form_and_shell_form() -> None:
    exec_form, shell_form, broken = parse('CMD ["a", "b c"]\nCMD a b\nCMD ["a", b]\n')
    assert exec_form.exec_form() == ("a", "b c")
    assert shell_form.exec_form() is None
    assert broken.exec_form() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM x\nFROBNICATE y\n", "dockerfile parse error on line 2: unknown instruction: FROB"),
        ("# nothing\n\n", "file with no instructions"),
        ("RUN <<EOF\nnever\n", "unterminated heredoc EOF"),
        ("FROM\n", "dockerfile parse error on line 1: FROM requires at least one argument"),
    ],
)
def test_mistakes_are_told_with_their_line(text: str, message: str) -> None:
    with pytest.raises(DockerfileError, match=f"failed to convert Dockerfile to LLB: {message}"):
        parse(text)


@pytest.mark.parametrize(
    ("word", "expanded"),
    [
        ("$A ${A} $NONE", "x x "),
        ("${NONE:-d} ${EMPTY:-d} ${EMPTY-d} ${A:-d}", "d d  x"),
        ("${A:+y} ${NONE:+y}", "y "),
        ("${NONE:-$A}", "x"),
        (r"\$A '$A' \"$A\"", '$A $A "x"'),
        ('"it\'s $A"', "it's x"),
        ('"a b"', "a b"),
    ],
)
def test_words_are_expanded_as_docker_does(word: str, expanded: str) -> None:
    assert expand(word, {"A": "x", "EMPTY": ""}) == expanded


def test_a_variable_that_must_be_set() -> None:
    with pytest.raises(DockerfileError, match="NONE: please"):
        expand("${NONE:?please}", {})


def test_pairs_of_env_in_both_forms() -> None:
    new, old = parse('ENV A=1 B="x y"\nENV C two words\n')
    assert pairs(new) == [("A", "1"), ("B", '"x y"')]
    assert pairs(old) == [("C", "two words")]


def test_only_what_the_target_takes_from_is_built() -> None:
    text = (
        "FROM a AS base\nFROM b AS unused\nRUN false\nFROM c AS tools\n"
        "FROM base AS out\nCOPY --from=2 /x /x\nRUN --mount=type=bind,from=base,target=/b true\n"
    )
    assert needed_stages(parse(text), 3) == {0, 2, 3}
    assert needed_stages(parse(text), 1) == {1}
