"""Progress lines are those of the real program."""

from __future__ import annotations

import io
from typing import Any

import pytest

from drydock.cli.live import Live
from drydock.cli.progress import Plain, duration


def _start(span: str, name: str, parent: str = "", at: float = 0.0) -> dict[str, Any]:
    return {"event": "start", "span": span, "parent": parent, "name": name, "time": at}


def _log(span: str, text: str, stream: str = "stdout", at: float = 0.2) -> dict[str, Any]:
    return {"event": "log", "span": span, "text": text, "stream": stream, "time": at}


def _end(
    span: str, name: str, status: str = "done", message: str = "", at: float = 0.3
) -> dict[str, Any]:
    return {
        "event": "end", "span": span, "name": name, "status": status, "message": message, "time": at,
    }  # fmt: skip


def _plain(*events: dict[str, Any]) -> str:
    out = io.StringIO()
    reporter = Plain(out)
    for event in events:
        reporter.handle(event)
    reporter.close()
    return out.getvalue()


def test_output_that_comes_back_to_a_step_names_it_again() -> None:
    """The recorded order: an empty line parts the blocks of top-level steps."""
    shown = _plain(
        _start("a", "withExec echo -n hi"),
        _start("b", "Container.stdout: String!"),
        _log("a", "hi"),
        _end("a", "Container.withExec"),
        _end("b", "Container.stdout"),
    )
    assert shown == (
        "1   : withExec echo -n hi\n"
        "\n"
        "2   : Container.stdout: String!\n"
        "\n"
        "1   : withExec echo -n hi\n"
        "1   : [0.3s] | hi\n"
        "1   : Container.withExec DONE [0.3s]\n"
        "\n"
        "2   : Container.stdout DONE [0.3s]\n"
        "\n\n"
    )


def test_nested_steps_have_one_bar_a_level_and_errors_their_message() -> None:
    """The trace at the end of a message is not shown; its further lines have no prefix."""
    shown = _plain(
        _start("a", "Kitchen.fail: String!"),
        _start("b", "withExec sh", "a"),
        _end("b", "Container.withExec", "error", "exit code: 7 [traceparent:1-2]"),
        _end("a", "Kitchen.fail", "error", "exit code: 7\nmore"),
    )
    assert shown == (
        "1   : Kitchen.fail: String!\n"
        "2   : ┆ withExec sh\n"
        "2   : ┆ Container.withExec ERROR [0.3s]\n"
        "2   : ┆ ! exit code: 7\n"
        "1   : Kitchen.fail ERROR [0.3s]\n"
        "1   : ! exit code: 7\n"
        "more\n"
        "\n\n"
    )


def test_lines_that_arrive_in_pieces_are_joined() -> None:
    """A carriage return at the end of a line is dropped."""
    shown = _plain(_start("a", "x"), _log("a", "one\r\ntw"), _log("a", "o\n"), _end("a", "x"))
    assert "1   : [0.2s] | one\n1   : [0.2s] | two\n1   : x DONE" in shown


def test_cached_steps_say_so() -> None:
    """One word, one time."""
    assert "1   : kitchen CACHED [0.0s]\n" in _plain(
        _start("a", "kitchen: Kitchen!"), _end("a", "kitchen", "cached", at=0.0)
    )


def test_times_are_short() -> None:
    """Tenths below a minute."""
    assert [duration(s) for s in (0, 59.94, 68.2, 3671)] == ["0.0s", "59.9s", "1m8s", "1h1m11s"]


def test_the_terminal_keeps_what_failed_with_its_output(monkeypatch: Any) -> None:
    """Steps that went well and quickly leave no line."""
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    live = Live(out)
    for event in (
        _start("q", "quick", at=0.0),
        _end("q", "quick", at=0.01),
        _start("a", "Kitchen.fail: String!", at=0.0),
        _start("b", "withExec sh", "a", at=0.0),
        _log("b", "what went wrong\n"),
        _end("b", "withExec", "error", "exit code: 7", at=2.0),
        _end("a", "Kitchen.fail", "error", "exit code: 7", at=2.0),
    ):
        live.handle(event)
    live.close()
    kept = [line for line in out.getvalue().replace("\x1b[1A\x1b[2K", "").split("\n") if line]
    assert "✘ Kitchen.fail: String! 2.0s" in kept
    assert "    │ what went wrong" in kept
    assert "    ! exit code: 7" in kept
    assert not any("✔ quick" in line for line in kept)


def test_the_preface_stands_before_what_was_held_back() -> None:
    """What is used of the user's `.env` is known only once the module is loaded."""
    out = io.StringIO()
    reporter = Plain(out, hold=True)
    reporter.handle(_start("a", "connect"))
    assert out.getvalue() == ""
    reporter.preface(['user default: quiet(level="8")'])
    reporter.handle(_end("a", "connect"))
    reporter.close()
    assert out.getvalue() == (
        'user default: quiet(level="8")\n1   : connect\n1   : connect DONE [0.3s]\n\n\n'
    )


def test_what_is_held_back_is_shown_when_there_is_no_preface() -> None:
    out = io.StringIO()
    reporter = Plain(out, hold=True)
    reporter.handle(_start("a", "connect"))
    reporter.close()
    assert out.getvalue() == "1   : connect\n\n\n"


SETTING = 'Container.withEnvVariable(name: "A", value: "1"): Container!'


def test_a_step_that_only_describes_leaves_no_line() -> None:
    """Unless it is the client's own; numbers go by what is shown."""
    shown = _plain(
        _start("a", "Kitchen.box: String!"),
        _start("b", SETTING, "a"),
        _end("b", "Container.withEnvVariable", "cached"),
        _start("c", "withExec true", "a"),
        _end("c", "Container.withExec"),
        _end("a", "Kitchen.box"),
        _start("d", SETTING),
        _end("d", "Container.withEnvVariable"),
    )
    assert shown == (
        "1   : Kitchen.box: String!\n"
        "2   : ┆ withExec true\n"
        "2   : ┆ Container.withExec DONE [0.3s]\n"
        "1   : Kitchen.box DONE [0.3s]\n"
        "\n"
        f"3   : {SETTING}\n"
        "3   : Container.withEnvVariable DONE [0.3s]\n"
        "\n\n"
    )


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        (
            [_end("b", "Directory.file", "error", "stat x: no such file or directory")],
            ["Directory.file ERROR [0.3s]", "! stat x: no such file or directory"],
        ),
        ([_start("z", "other", "a", at=1.5)], []),
        (
            [_log("b", "told\n"), _end("b", "Directory.file")],
            ["[0.2s] | told", "Directory.file DONE [0.3s]"],
        ),
        ([_end("b", "Directory.file", at=3.0)], ["Directory.file DONE [3.0s]"]),
    ],
)
def test_it_is_shown_when_it_fails_or_takes_long_or_says_something(
    events: list[dict[str, Any]], lines: list[str]
) -> None:
    """With its start, and as soon as that is known."""
    shown = _plain(
        _start("a", "Kitchen.box: String!"),
        _start("b", 'Directory.file(path: "x"): File!', "a"),
        *events,
    )
    start = '2   : ┆ Directory.file(path: "x"): File!\n'
    assert start + "".join(f"2   : ┆ {line}\n" for line in lines) in shown


def test_what_runs_below_it_brings_it_to_light() -> None:
    """The tree has no gaps."""
    shown = _plain(
        _start("a", "Kitchen.box: String!"),
        _start("b", "Container.sync: ID!", "a"),
        _start("c", "withExec true", "b"),
    )
    assert "2   : ┆ Container.sync: ID!\n3   : ┆ ┆ withExec true\n" in shown


def test_verbose_shows_every_step() -> None:
    """As the engine told them."""
    out = io.StringIO()
    reporter = Plain(out, verbose=True)
    for event in (
        _start("a", "Kitchen.box: String!"),
        _start("b", SETTING, "a"),
        _end("b", "Container.withEnvVariable", "cached"),
    ):
        reporter.handle(event)
    assert "2   : ┆ Container.withEnvVariable CACHED [0.3s]\n" in out.getvalue()
