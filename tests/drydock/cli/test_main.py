"""The command's frame: verbs, start-up cost, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drydock.cli import main
from drydock.cli.result import _json, _plain, _printed


def test_the_client_imports_nothing_heavy() -> None:
    """What a call costs before it reaches the engine is Python's own start."""
    script = (
        "import sys, json; import drydock.cli, drydock.cli.call, drydock.engine.client; "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"aiohttp", "asyncio", "dagger", "graphql", "httpx", "yaml"}


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with where to look."""
    assert main(["nonsense"]) == 1
    assert capsys.readouterr().err == (
        'Error: unknown command "nonsense" for "dagger"\nRun \'dagger --help\' for usage.\n'
    )


def test_help_lists_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    """Also without any word."""
    assert main([]) == 0
    page = capsys.readouterr().out
    assert all(f"  {verb} " in page for verb in ("call", "functions", "check", "start", "doctor"))


def test_help_of_a_verb_names_its_flags(capsys: pytest.CaptureFixture[str]) -> None:
    """No engine is asked for it."""
    assert main(["check", "--help"]) == 0
    page = capsys.readouterr().out
    assert "--failfast" in page
    assert "dagger check [options] [pattern...]" in page


def test_a_state_directory_that_cannot_be_made_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do, and without a traceback."""
    monkeypatch.setenv("DRYDOCK_STATE_DIR", "/proc/nowhere")
    for verb in ("prune", "functions"):
        assert main([verb]) == 1
        said = capsys.readouterr().err
        assert "/proc/nowhere: no such file or directory" in said
        assert "DRYDOCK_STATE_DIR" in said


@pytest.mark.root
def test_prune_says_what_went(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DRYDOCK_STATE_DIR", str(tmp_path))
    assert main(["prune", "--unused-for", "1"]) == 0
    assert capsys.readouterr().out == "Freed 0.0 MB; 0 cached results and ids are gone.\n"


def test_an_unknown_progress_format_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started; nothing on standard output."""
    assert main(["call", "--progress=nope", "x"]) == 1
    assert capsys.readouterr() == ("", 'unknown progress type "nope"\n')


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("one\ntwo\n", "one\ntwo\n"),
        (3.0, "3"),
        (2.5, "2.5"),
        (True, "true"),
        (None, "<nil>"),
        (["a", "b c", ""], "a\nb c\n\n"),
        ([], ""),
        ([{"name": "soup"}, {"name": "cake"}], "soup\ncake\n"),
    ],
)
def test_plain_results_print_as_they_are(value: object, text: str) -> None:
    """Recorded forms."""
    assert _plain(value) == text


def test_json_results_are_indented_by_four() -> None:
    """Floats without a fraction become integers."""
    assert _json([1.0, "ä"]) == '[\n    1,\n    "ä"\n]\n'
    assert _json([]) == "[]\n"


def test_objects_print_a_digest_that_depends_on_the_id_alone() -> None:
    """Stable between runs."""
    assert _printed("Directory", "abc") == _printed("Directory", "abc")
    assert _printed("Directory", "abc") != _printed("Directory", "abd")
    assert _printed("Directory", "abc").startswith("Directory@xxh3:")
